package world

import (
	"encoding/binary"
	"io"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/heart"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/ratelimit"
)

// A FrameKind says what to do with a [Frame].
type FrameKind uint8

// The kinds of frames.
const (
	FrameText   FrameKind = iota + 1
	FrameBinary           // compressed, or ETF
	FrameClose            // the payload of a close frame: code and reason
	FrameCut              // no frame: break the connection
)

// A Frame is one websocket message for the client.
type Frame struct {
	Kind FrameKind
	Data []byte // never changed again
}

// CloseCode returns what a [FrameClose] says: 1005 if it is empty.
func (f Frame) CloseCode() (code closecode.Type, reason string) {
	if f.Kind != FrameClose || len(f.Data) < 2 {
		return closecode.NoStatus, ""
	}
	return closecode.Type(binary.BigEndian.Uint16(f.Data)), string(f.Data[2:])
}

// A Conn is Discord's end of one connection as a pure machine: messages and
// time go in, frames and deadlines come out. It has no socket, clock or
// goroutine. It shares the [World] it comes from, and like that one it is not
// safe for concurrent use.
type Conn struct {
	w       *World
	id      int
	params  Params
	phase   phase.Phase
	session *Session

	dismissed bool // the session was taken away

	dog      heart.Watchdog
	messages *ratelimit.Window

	enc     encoder
	stream  compressor // nil without transport compression
	payload compressor // nil without payload compression

	out     []Frame
	next    int // index into out
	pending int // bytes in out
	queued  bool

	faults       []armedFault
	dispatched   int
	zombie       bool
	stalled      bool
	stallEnds    time.Time // zero: never
	cutAfter     int       // bytes on the wire, negative: no cut
	dripInterval time.Duration
}

// ID returns the number of the connection, from 1.
func (c *Conn) ID() int { return c.id }

// SessionID returns the session of the connection, empty before READY or RESUMED.
func (c *Conn) SessionID() string {
	if c.session == nil {
		return ""
	}
	return c.session.id
}

// Session returns the session of the connection, nil before READY or RESUMED.
func (c *Conn) Session() *Session { return c.session }

// Closed reports whether the server is done with the connection. Frames may
// be left to send, the last of them [FrameClose] or [FrameCut].
func (c *Conn) Closed() bool { return c.phase == phase.Closed }

// Next returns the next frame to send, false while there is none.
func (c *Conn) Next() (Frame, bool) {
	if c.stalled || c.next == len(c.out) {
		return Frame{}, false
	}
	f := c.out[c.next]
	c.out[c.next] = Frame{}
	c.next++
	c.pending -= len(f.Data)
	if c.next == len(c.out) {
		c.out, c.next = c.out[:0], 0
	}
	return f, true
}

// Receive takes one message of the client. Binary tells the kind of the
// websocket message. Msg is not kept.
func (c *Conn) Receive(now time.Time, msg []byte, binary bool) {
	if c.Closed() {
		return
	}
	c.w.stats.Messages++
	if c.zombie {
		c.dog.Beat(now) // the session lives on, though it gets no answer
		return
	}
	op, data, ok := c.parse(now, msg, binary)
	if !ok {
		return
	}
	c.w.record(now, c, op, data)
	if code, legal := c.phase.Verdict(op); !legal && code == closecode.NotAuthenticated && c.dismissed {
		return // it was on its way when the session was taken away
	} else if !legal {
		c.fail(now, code, "op "+op.String()+" in phase "+c.phase.String())
		return
	}
	c.handle(now, op, data)
	c.w.vacate(now)
}

// Ping reports whether a websocket ping of the client is to be answered.
func (c *Conn) Ping() (answer bool) { return !c.Closed() && !c.zombie }

// Refuse closes the connection with code, for a breach of the rules that the
// socket's owner noticed: of websocket's rules, or a message that is too large.
func (c *Conn) Refuse(now time.Time, code closecode.Type, why string) { c.fail(now, code, why) }

// parse judges what needs no knowledge of the opcode.
func (c *Conn) parse(now time.Time, msg []byte, binary bool) (op opcode.Type, data []byte, ok bool) {
	if len(msg) > command.MaxSize {
		c.fail(now, closecode.DecodeError, "message of more than 4096 bytes")
		return 0, nil, false
	}
	// https://discord.com/developers/docs/events/gateway#rate-limiting
	if _, ok := c.messages.Take(now); !ok {
		c.fail(now, closecode.RateLimited, "too many messages in 60 seconds")
		return 0, nil, false
	}
	if c.enc.binary() && !binary {
		c.fail(now, closecode.DecodeError, "text message, encoding is "+c.params.Encoding)
		return 0, nil, false
	}
	n, data, err := c.enc.decode(msg)
	if err != nil {
		c.fail(now, closecode.DecodeError, err.Error())
		return 0, nil, false
	}
	return opcode.Type(n), data, true
}

func (c *Conn) handle(now time.Time, op opcode.Type, data []byte) {
	if op != opcode.Heartbeat && (len(data) == 0 || data[0] != '{') {
		c.fail(now, closecode.DecodeError, op.String()+" without an object as d")
		return
	}
	switch op {
	case opcode.Heartbeat:
		c.handleHeartbeat(now, data)
	case opcode.Identify:
		c.handleIdentify(now, data)
	case opcode.Resume:
		c.handleResume(now, data)
	case opcode.PresenceUpdate:
		c.handlePresence(now, data)
	case opcode.VoiceStateUpdate:
		c.handleVoiceState(now, data)
	case opcode.RequestGuildMembers:
		c.handleGuildMembers(now, data)
	case opcode.RequestSoundboardSounds:
		c.handleSoundboardSounds(now, data)
	case opcode.RequestChannelInfo:
		c.handleChannelInfo(now, data)
	}
}

func (c *Conn) handleHeartbeat(now time.Time, data []byte) {
	if len(data) > 0 && data[0] != 'n' && data[0] != '-' && (data[0] < '0' || data[0] > '9') {
		c.fail(now, closecode.DecodeError, "heartbeat without sequence number or null")
		return
	}
	c.w.stats.Heartbeats++
	c.dog.Beat(now)
	c.control(now, opcode.HeartbeatACK, nil)
}

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled.
func (c *Conn) NextDeadline() time.Time {
	if c.Closed() {
		return time.Time{}
	}
	var at time.Time
	if !c.zombie {
		at = c.dog.Deadline()
	}
	if c.stalled {
		at = deadline.Earliest(at, c.stallEnds)
	}
	return at
}

// HandleTimeout does what is due at now. An early call does nothing.
func (c *Conn) HandleTimeout(now time.Time) {
	if c.stalled && deadline.Due(c.stallEnds, now) {
		c.stalled = false
		c.wake()
	}
	if !c.Closed() && !c.zombie && c.dog.Expired(now) {
		c.fail(now, closecode.SessionTimedOut, "no heartbeat")
	}
	c.w.vacate(now)
}

// Lost tells the machine that the connection is over: the client closed it
// with code, or it broke, which is code 1006. A close with 1000 or 1001 ends
// the session.
//
// https://discord.com/developers/docs/events/gateway#initiating-a-disconnect
func (c *Conn) Lost(now time.Time, code closecode.Type) {
	if c.Closed() {
		return
	}
	s := c.session
	c.shut(now)
	if s != nil && (code == closecode.Normal || code == closecode.GoingAway) {
		c.w.drop(s, endedByClient)
	}
	c.w.vacate(now)
}

// fail records a violation and closes the connection for it.
func (c *Conn) fail(now time.Time, code closecode.Type, text string) {
	c.w.violation(now, c, code, text)
	c.close(now, code, "")
}

// close sends a close frame and ends the connection. Some codes end the
// session too.
func (c *Conn) close(now time.Time, code closecode.Type, reason string) {
	if c.Closed() {
		return
	}
	if reason == "" {
		reason = code.String()
	}
	c.w.stats.Closes[code]++
	s := c.session
	if !c.zombie {
		c.queue(closeFrame(code, reason))
	}
	c.shut(now)
	if s != nil && c.w.EndsSession(code) {
		c.w.drop(s, endedByClose)
	}
}

// EndsSession reports whether a session ends when the server closes with code.
func (w *World) EndsSession(code closecode.Type) bool {
	if code == closecode.SessionTimedOut {
		return w.cfg.timeoutEnds
	}
	return code.Decision() != closecode.Resume
}

func closeFrame(code closecode.Type, reason string) Frame {
	if code == closecode.NoStatus {
		return Frame{Kind: FrameClose}
	}
	reason = reason[:min(len(reason), 123)] // RFC 6455, section 5.5
	return Frame{Kind: FrameClose, Data: append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)}
}

// cut ends the connection without a word.
func (c *Conn) cut(now time.Time) {
	if !c.Closed() {
		c.queue(Frame{Kind: FrameCut})
		c.shut(now)
	}
}

// shut detaches the session and forgets the connection. A stall ends with it.
func (c *Conn) shut(now time.Time) {
	c.phase, c.stalled = phase.Closed, false
	c.detach(now)
	c.dog.Stop()
	if stream, ok := c.stream.(io.Closer); ok {
		_ = stream.Close() // what is queued is compressed already
	}
	delete(c.w.conns, c.id)
}

// detach leaves the session to be resumed.
func (c *Conn) detach(now time.Time) {
	if c.session != nil {
		c.session.conn, c.session.detachedAt = nil, now
		c.session = nil
	}
}

// control sends a message that is not a dispatch.
func (c *Conn) control(now time.Time, op opcode.Type, data []byte) {
	c.send(now, wire.AppendControl(make([]byte, 0, len(data)+48), uint(op), data))
}

// dispatch sends an event.
func (c *Conn) dispatch(now time.Time, seq int64, name event.Type, data []byte) {
	c.send(now, wire.AppendDispatch(make([]byte, 0, len(data)+len(name)+48), seq, string(name), data))
	c.dispatched++
	c.fireFaults(now)
}

// compressFrom is the size from which on messages are compressed one by one.
const compressFrom = 1024

// send encodes, compresses and queues a message given as JSON, in order.
func (c *Conn) send(now time.Time, json []byte) {
	if c.Closed() || c.zombie {
		return
	}
	msg, err := c.enc.encode(json)
	kind := FrameText
	if c.enc.binary() {
		kind = FrameBinary
	}
	switch {
	case err != nil:
	case c.stream != nil:
		msg, err = c.stream.Compress(nil, msg)
		kind = FrameBinary
	case c.payload != nil && len(msg) >= compressFrom:
		msg, err = c.payload.Compress(nil, msg)
		kind = FrameBinary
	}
	if err != nil {
		c.fail(now, closecode.UnknownError, "encode: "+err.Error())
		return
	}
	c.queue(Frame{Kind: kind, Data: msg})
	if c.pending > c.w.cfg.pending {
		c.w.violation(now, c, 0, "reads too slowly")
		c.cut(now)
	}
}

func (c *Conn) queue(f Frame) {
	c.out = append(c.out, f)
	c.pending += len(f.Data)
	c.w.stats.Bytes += len(f.Data)
	c.wake()
}

// wake puts the connection on the list of those with frames to send.
func (c *Conn) wake() {
	if !c.queued {
		c.queued = true
		c.w.ready = append(c.w.ready, c)
	}
}

// compressPayloads answers identify's compress, which works with JSON only.
//
// https://discord.com/developers/docs/events/gateway#payload-compression
func (c *Conn) compressPayloads() {
	if c.stream == nil && !c.enc.binary() {
		c.payload = compress.NewPayloadWriter()
	}
}
