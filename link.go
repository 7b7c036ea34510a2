package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net" // for net.ErrClosed only
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/buffer"
	"github.com/discordpkg/gateway/internal/heart"
	"github.com/discordpkg/gateway/internal/wire"
)

// A link is the part of a connection's state that the gateway and the voice
// gateway have in common: the clock, the heartbeat, the inbound buffers and
// the rule that a connection is closed once.
type link struct {
	now    time.Time // last time the caller told
	heart  heart.Heart
	seq    int64
	closed bool

	limit    int // bytes of one inbound message, inflated
	pool     BufferPool
	inflate  Decompressor // nil: messages arrive plain
	buf      []byte       // bytes of the current message as they came
	plain    []byte       // the same, inflated
	unpacked bool         // plain holds a whole message
}

// SequenceNumber returns the number of the last message that had one.
func (s *link) SequenceNumber() int64 { return s.seq }

// Closed reports whether the state has ended the connection.
func (s *link) Closed() bool { return s.closed }

// Latency returns the time the last acknowledged heartbeat took, zero before any.
func (s *link) Latency() time.Duration { return s.heart.Latency() }

// Advance tells the state the time. It has no other effect.
// Calls with a time before the last one are ignored.
func (s *link) Advance(now time.Time) {
	if now.After(s.now) {
		s.now = now
	}
}

// Alive tells the state that bytes arrived, though not yet a whole message:
// a slow large message is no dead connection.
func (s *link) Alive() { s.heart.Alive() }

// WriteRestartClose ends the connection with 1012 and keeps the session.
func (s *link) WriteRestartClose(client io.Writer) error {
	return s.writeClose(client, closecode.Restart)
}

// notUTF8 is the code for a message whose text is not UTF-8. It keeps the session.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
const notUTF8 closecode.Type = 1007

// writeMalformed ends the connection because of err, an [ErrMalformed] or a gap
// in the sequence, and keeps the session.
func (s *link) writeMalformed(client io.Writer, err error) error {
	if errors.Is(err, wire.ErrNotUTF8) {
		return s.writeClose(client, notUTF8)
	}
	return s.WriteRestartClose(client)
}

func (s *link) writeClose(client io.Writer, code closecode.Type) error {
	if s.closed {
		return net.ErrClosed
	}
	s.shut()
	if _, err := client.Write(binary.BigEndian.AppendUint16(nil, uint16(code))); err != nil {
		return fmt.Errorf("gateway: write close: %w", err)
	}
	return nil
}

// shut ends the connection without a word.
func (s *link) shut() {
	s.closed = true
	s.heart.Stop()
	s.inflateWith(nil)
}

// inflateWith replaces the decompressor, which it closes.
func (s *link) inflateWith(d Decompressor) {
	if c, ok := s.inflate.(io.Closer); ok {
		_ = c.Close()
	}
	s.inflate = d
}

// writeMessage writes msg in one call. The slice is never reused, so a
// writer may keep it.
func (s *link) writeMessage(client io.Writer, msg []byte) error {
	if s.closed {
		return net.ErrClosed
	}
	if _, err := client.Write(msg); err != nil {
		return fmt.Errorf("gateway: write: %w", err)
	}
	return nil
}

// fill reads r to its end into s.buf.
func (s *link) fill(r io.Reader) error {
	if s.closed {
		return net.ErrClosed
	}
	s.buf = s.roomy(s.buf)
	for {
		if len(s.buf) == cap(s.buf) {
			if len(s.buf) >= s.limit {
				return &MessageTooLargeError{Limit: s.limit}
			}
			s.buf = buffer.Grow(s.buf, 1, s.limit)
		}
		n, err := r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("gateway: read: %w", err)
		}
	}
}

// unpack returns the plain bytes of a message, and whether they are complete:
// a compressed message may take several websocket messages.
func (s *link) unpack(msg []byte) (plain []byte, complete bool, err error) {
	if len(msg) > s.limit {
		return nil, false, &MessageTooLargeError{Limit: s.limit}
	}
	if s.inflate == nil {
		return msg, true, nil
	}
	if s.unpacked || s.plain == nil {
		s.plain, s.unpacked = s.roomy(s.plain), false
	}
	s.plain, complete, err = s.inflate.Decompress(s.plain, msg, s.limit)
	if err != nil {
		return nil, false, errors.Join(ErrMalformed, err)
	}
	s.unpacked = complete
	return s.plain, complete, nil
}
