// Package rtp is the datagram half of a voice connection, for both ends of it:
// RTP packets and their transport encryption, IP discovery, keepalives, and
// what an Opus frame says about itself.
//
// It has no socket and no clock. Datagrams are slices that the caller reads
// and writes; time is an argument, and deadlines are results. Nothing on the
// way of a packet allocates, malformed packets included.
//
// # Sending
//
// [Stream] numbers the packets, [Packet.MarshalTo] writes one into a buffer
// that has [Overhead] bytes to spare, [Sealer.Seal] encrypts it there.
//
// # Receiving
//
// [KindOf] says what a datagram is, [Opener.Open] decrypts an RTP packet where
// it lies, [Packet.Unmarshal] takes it apart. A server that forwards a packet
// seals it for the next client as it came out of Open.
//
// # Sources
//
// https://discord.com/developers/docs/topics/voice-connections#transport-encryption-and-sending-voice
// https://www.rfc-editor.org/rfc/rfc3550#section-5.1
package rtp
