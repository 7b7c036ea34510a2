package lvsp

import (
	"encoding/binary"
	"strings"
)

// A FrameKind says what to do with a [Frame].
type FrameKind uint8

const (
	FrameText  FrameKind = iota + 1 // one websocket message
	FrameClose                      // the payload of a close frame, the last frame of a link
)

// A Frame is something to send.
type Frame struct {
	Kind FrameKind
	Data []byte // never changed again
}

// Close returns what a [FrameClose] says.
func (f Frame) Close() (code CloseCode, reason string) {
	if f.Kind != FrameClose || len(f.Data) < 2 {
		return 0, ""
	}
	return CloseCode(binary.BigEndian.Uint16(f.Data)), string(f.Data[2:])
}

func closeFrame(code CloseCode, reason string) Frame {
	reason = strings.ToValidUTF8(reason[:min(len(reason), 123)], "") // RFC 6455, section 5.5
	return Frame{Kind: FrameClose, Data: append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)}
}

// maxPending is how many bytes of memory may wait for a peer that does not
// read, and frameCost how many of them a frame takes besides its data.
const (
	maxPending = 8 << 20
	frameCost  = 64
)

// An outbox holds the frames of one link until they are asked for.
type outbox struct {
	frames []Frame
	next   int // index into frames
	bytes  int
}

func (o *outbox) push(f Frame) {
	o.frames = append(o.frames, f)
	o.bytes += len(f.Data) + frameCost
}

func (o *outbox) pop() (Frame, bool) {
	if o.next == len(o.frames) {
		return Frame{}, false
	}
	f := o.frames[o.next]
	o.frames[o.next] = Frame{}
	o.next++
	o.bytes -= len(f.Data) + frameCost
	if o.next == len(o.frames) {
		*o = outbox{}
	}
	return f, true
}

func (o *outbox) full() bool { return o.bytes > maxPending }

func (o *outbox) clear() { *o = outbox{} }
