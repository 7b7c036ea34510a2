package gateway

// A Codec translates one wire encoding to JSON and back, see [WithEncoding].
// Package etf has one. JSON itself needs none.
//
// The methods neither keep nor change their arguments.
type Codec interface {
	// Name is the value of the URL's encoding parameter.
	Name() string

	// Split finds the envelope of one message. Event and data alias msg;
	// data is the value of "d" in the wire encoding, nil when absent.
	// Seq is zero when it is absent or null.
	Split(msg []byte) (op uint, seq int64, event, data []byte, err error)

	// AppendJSON appends the JSON form of data, a result of Split, to dst.
	// Dst grows to at most limit bytes, more is an error.
	AppendJSON(dst, data []byte, limit int) ([]byte, error)

	// AppendWire appends the wire form of one command to dst. The command
	// is JSON: {"op":1,"d":null}.
	AppendWire(dst, json []byte) ([]byte, error)
}

// A Decompressor inflates the messages of one connection. It is made anew
// for each connection, see [WithTransportCompression] and
// [WithPayloadCompression]. Package compress has them. If it is an
// [io.Closer], it is closed with the connection.
type Decompressor interface {
	// Name is the value of the URL's compress parameter, empty for payload
	// compression.
	Name() string

	// Decompress appends to dst the message that src, one websocket message,
	// completes. It reports false while more of them are needed; the next
	// call's dst is then this call's result. Dst grows to at most limit bytes. An error ends
	// the connection. Src is not kept.
	Decompress(dst, src []byte, limit int) (out []byte, complete bool, err error)
}

// A BufferPool lends the buffers that messages are read and inflated into.
// Shared by several states, it must be safe for concurrent use.
type BufferPool interface {
	// Get returns a slice of length zero and any capacity.
	Get() []byte

	// Put takes back a slice from Get, possibly grown.
	Put([]byte)
}

// keepBuffer is the capacity up to which a state keeps a buffer between
// messages. READY and GUILD_CREATE messages of many megabytes are rare; they
// must not pin their size for the life of the connection.
const keepBuffer = 64 << 10

// roomy returns an empty buffer for the next message: b if it is fit to keep.
func (s *link) roomy(b []byte) []byte {
	if cap(b) > 0 && (cap(b) <= keepBuffer || len(b) > cap(b)/8) {
		return b[:0]
	}
	s.giveBack(b)
	if s.pool != nil {
		return s.pool.Get()[:0]
	}
	return make([]byte, 0, 4<<10)
}

func (s *link) giveBack(b []byte) {
	if s.pool != nil && cap(b) > 0 {
		s.pool.Put(b[:0])
	}
}

// Recycle gives the buffers of the last message back to the pool of
// [WithBufferPool], or to the garbage collector when they are large. The last
// payload must no longer be used. Calling it is never necessary.
func (s *link) Recycle() {
	s.buf = s.recycled(s.buf)
	if s.unpacked {
		s.plain = s.recycled(s.plain)
	}
}

// recycled returns b if the next message may as well use it, otherwise nothing.
func (s *link) recycled(b []byte) []byte {
	if s.pool == nil && cap(b) <= keepBuffer {
		return b
	}
	s.giveBack(b)
	return nil
}

// Recycle gives the buffers of the last message back to the pool of
// [WithBufferPool], or to the garbage collector when they are large. The last
// payload must no longer be used. Calling it is never necessary.
func (s *GatewayState) Recycle() {
	s.link.Recycle()
	s.json = s.recycled(s.json)
}

// Detach leaves the memory of the last payload, and the payload itself, to
// those who hold them: the state takes other memory for what it reads next. A shell calls it when it
// wants to read on while a handler still has the payload. A pool of
// [WithBufferPool] does not get that memory back. It keeps what has arrived of a
// compressed message that is not complete.
func (s *GatewayState) Detach() {
	s.buf, s.json = nil, nil
	if s.unpacked {
		s.plain, s.unpacked = nil, false
	}
	s.payload = new(GatewayPayload)
}
