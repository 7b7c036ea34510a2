// Package compress holds the compressions of Discord's gateway, both ends of each:
// https://discord.com/developers/docs/events/gateway#encoding-and-compression
//
//	compress=zlib-stream in the URL   [ZlibStream]   [ZlibStreamWriter]   one deflate stream per connection
//	compress=zstd-stream in the URL   [ZstdStream]   [ZstdStreamWriter]   one zstd frame per connection
//	compress: true in Identify        [Payload]      [PayloadWriter]      one zlib stream per message, or none
//
// A decompressor belongs to one connection and is made anew for the next. It turns websocket messages into gateway messages:
//
//	out, complete, err := d.Decompress(out[:0], message, limit)
//
// Nothing here has a goroutine or waits: what is not complete is kept until the rest arrives. Nothing is allocated because
// the other side says so: output is bounded by the limit, input that is not complete by the limit or by a block of 128 KiB,
// windows grow with what they have to hold. Messages allocate nothing once the windows and the caller's slice have grown.
//
// # Memory
//
// The heap that a connection holds between messages, measured over 1,000 connections each:
//
//	              8 messages (5 KiB)   2,000 messages (1.4 MiB)
//	zlib-stream   8 KiB                32 KiB
//	zstd-stream   94 KiB               680 KiB
//	payload       0                    0
//
// What else is needed to inflate a message comes from pools and goes back to them. For many shards zlib-stream is the better
// choice: with the inflater of this package it costs about as much processor time as zstd-stream.
// The compressors hold about 0.8 MiB per connection until they are closed.
//
// # zlib-stream
//
// The inflater is the package's own. Those of the standard library and of klauspost/compress read from an io.Reader, whose end
// they remember as an error for good; at the end of a message that filled their window to the last byte they ask for more.
// They hold the window themselves, with 8 KiB of tables, or copy it in and out for every message. This one inflates a
// message that is all there from slice to slice: an idle connection holds its last 32 KiB, and nothing of the inflater.
// For the dispatches of the benchmark it takes two thirds of the time of klauspost/compress, and less of the standard library's.
// A fuzz test holds it to the standard library's verdict on any input.
//
// # zstd-stream
//
// The decoder is that of klauspost/compress. Run with a concurrency of one, it decodes a block when it is read from; it is given
// whole blocks and read once for each. Its memory is about twice the declared window and 170 KiB. Discord declares 256 KiB, other
// servers up to 8 MiB, which is the most that is accepted. Because a decoder takes that memory at once, a frame begins with a
// window of 16 KiB and moves to a larger one when it has the content for it, by decoding its beginning again.
package compress
