package signaling

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/heart"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/snowflake"
)

// A Conn is the server's end of one connection as a pure machine: messages and
// time go in, frames and deadlines come out. It shares the [Server] it comes
// from, and like that one it is not safe for concurrent use.
type Conn struct {
	srv     *Server
	id      int
	version int // of the protocol, 4 to 8
	phase   phase.Voice
	user    snowflake.ID
	session *session
	closed  closecode.Voice // what it was closed with
	why     string

	loginBy  time.Time // zero once it identified or resumed
	dog      heart.Watchdog
	messages *ratelimit.Window

	out     []Frame
	next    int // index into out
	pending int // bytes in out
	queued  bool

	stalled   bool
	stallEnds time.Time // zero: never
}

// ID returns the number of the connection, from 1.
func (c *Conn) ID() int { return c.id }

// User returns whose connection it is, zero before Identify or Resume was
// accepted.
func (c *Conn) User() snowflake.ID { return c.user }

// Closed reports whether the server is done with the connection, with which
// code and why. Frames may be left to send, the last of them [FrameClose] or
// [FrameCut].
func (c *Conn) Closed() (code closecode.Voice, why string, closed bool) {
	return c.closed, c.why, c.phase == phase.VoiceClosed
}

func (c *Conn) isClosed() bool { return c.phase == phase.VoiceClosed }

// Next returns the next frame to send, false while there is none.
func (c *Conn) Next() (Frame, bool) {
	if c.stalled || c.next == len(c.out) {
		return Frame{}, false
	}
	f := c.out[c.next]
	c.out[c.next] = Frame{}
	c.next++
	c.pending -= len(f.Data)
	if c.next > len(c.out)/2 { // each frame is moved once at most, and none is kept for those who are always behind
		n := copy(c.out, c.out[c.next:])
		clear(c.out[n:])
		c.out, c.next = c.out[:n], 0
	}
	return f, true
}

// hello starts the conversation.
func (c *Conn) hello(now time.Time, version string) {
	if len(version) != 1 || version[0] < '4' || version[0] > '8' {
		c.fail(now, closecode.VoiceUnknownProtocol, "version "+quoted(version))
		return
	}
	c.version = int(version[0] - '0')
	c.phase = phase.VoiceIdentify
	c.dog.Start(now, c.srv.cfg.interval, c.srv.cfg.grace)
	d, _ := json.Marshal(struct {
		Version  int     `json:"v"`
		Interval float64 `json:"heartbeat_interval"` // in milliseconds
	}{c.version, float64(c.srv.cfg.interval) / float64(time.Millisecond)})
	c.answer(now, opcode.VoiceHello, d)
}

// Receive takes one message of the client. Binary tells the kind of the
// websocket message. Msg is not kept.
func (c *Conn) Receive(now time.Time, msg []byte, binary bool) {
	if c.isClosed() {
		return
	}
	c.srv.stats.Messages++
	op, data, ok := c.parse(now, msg, binary)
	if !ok {
		return
	}
	if code, legal := c.phase.Verdict(op); !legal {
		c.fail(now, code, op.String()+" in phase "+c.phase.String())
		return
	}
	c.handle(now, op, data)
}

// Ping takes a websocket ping of the client, which counts as a message, and
// reports whether it is to be answered.
func (c *Conn) Ping(now time.Time) (answer bool) {
	if c.isClosed() {
		return false
	}
	if _, ok := c.messages.Take(now); !ok {
		c.fail(now, closecode.VoiceRateLimited, "too many pings in 60 seconds")
	}
	return !c.isClosed() && !c.stalled
}

// maxText is the size in bytes of the largest message of text, and of any
// message before a client has identified. Binary messages carry MLS, whose
// commits grow with the group.
const maxText = 4 << 10

// parse judges what needs no knowledge of the opcode.
func (c *Conn) parse(now time.Time, msg []byte, binary bool) (op opcode.Voice, data []byte, ok bool) {
	limit := maxText
	if binary && c.session != nil {
		limit = c.srv.cfg.messageSize
	}
	if len(msg) > limit {
		c.fail(now, closecode.VoiceDecodeError, "message is too large")
		return 0, nil, false
	}
	if _, ok := c.messages.Take(now); !ok {
		c.fail(now, closecode.VoiceRateLimited, "too many messages in 60 seconds")
		return 0, nil, false
	}
	op, data, err := parseMessage(msg, binary)
	if err != nil {
		c.fail(now, closecode.VoiceDecodeError, err.Error())
		return 0, nil, false
	}
	return op, data, true
}

func (c *Conn) handle(now time.Time, op opcode.Voice, data []byte) {
	switch op {
	case opcode.VoiceHeartbeat:
		c.handleHeartbeat(now, data)
	case opcode.VoiceIdentify:
		c.handleIdentify(now, data)
	case opcode.VoiceResume:
		c.handleResume(now, data)
	case opcode.VoiceSelectProtocol:
		c.handleSelect(now, data)
	case opcode.VoiceSpeaking:
		c.handleSpeaking(now, data)
	case opcode.DAVETransitionReady, opcode.DAVEKeyPackage, opcode.DAVECommitWelcome, opcode.DAVEInvalidCommit:
		c.handleDelivery(now, op, data)
	}
}

// handleHeartbeat gives the nonce back. Before version 8 it is all there is.
//
// https://discord.com/developers/docs/topics/voice-connections#heartbeating
func (c *Conn) handleHeartbeat(now time.Time, data []byte) {
	nonce := json.Number("")
	var err error
	if c.version >= 8 {
		var d struct {
			Nonce  json.Number `json:"t"`
			SeqAck *int        `json:"seq_ack"`
		}
		err = json.Unmarshal(data, &d)
		nonce = d.Nonce
	} else {
		err = json.Unmarshal(data, &nonce)
	}
	if err != nil || nonce == "" || len(nonce) > 32 {
		c.fail(now, closecode.VoiceDecodeError, "heartbeat without a number")
		return
	}
	c.srv.stats.Heartbeats++
	c.dog.Beat(now)
	if c.version >= 8 {
		c.answer(now, opcode.VoiceHeartbeatACK, []byte(`{"t":`+string(nonce)+`}`))
	} else {
		c.answer(now, opcode.VoiceHeartbeatACK, []byte(nonce))
	}
}

// handleSpeaking passes on how the client speaks.
//
// https://discord.com/developers/docs/topics/voice-connections#speaking
func (c *Conn) handleSpeaking(now time.Time, data []byte) {
	var d gateway.VoiceSpeaking
	if err := json.Unmarshal(data, &d); err != nil {
		c.fail(now, closecode.VoiceDecodeError, "speaking: "+err.Error())
		return
	}
	s := c.session
	if d.SSRC != 0 && d.SSRC != s.ssrc {
		c.fail(now, closecode.VoiceBadRequest, "speaking with the SSRC of another client")
		return
	}
	first := !s.spoke
	s.speaking, s.spoke = d.Speaking, true
	if first {
		c.srv.route(s)
	}
	s.member.room.announce(now, s)
}

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled.
func (c *Conn) NextDeadline() time.Time {
	if c.isClosed() {
		return time.Time{}
	}
	at := deadline.Earliest(c.dog.Deadline(), c.loginBy)
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
	switch {
	case c.isClosed():
	case deadline.Due(c.loginBy, now):
		c.fail(now, closecode.VoiceNotAuthenticated, "neither identified nor resumed in time")
	case c.dog.Expired(now):
		c.fail(now, closecode.VoiceSessionTimedOut, "no heartbeat")
	}
}

// Lost tells the machine that the connection is over: the client closed it
// with code, or it broke, which is code 1006. A close with 1000 or 1001 ends
// the session.
func (c *Conn) Lost(now time.Time, code closecode.Voice) {
	if c.isClosed() {
		return
	}
	s := c.session
	c.closed, c.why = code, "closed by the client"
	if code == closeAbnormal {
		c.why = "connection lost"
	}
	c.shut(now)
	if s != nil && (code == closeNormal || code == closeGoingAway) {
		c.srv.end(now, s, 0)
	}
}

// Codes of RFC 6455, section 7.4.1.
const (
	closeNormal    closecode.Voice = 1000
	closeGoingAway closecode.Voice = 1001
	closeProtocol  closecode.Voice = 1002
	closeNoStatus  closecode.Voice = 1005 // never sent
	closeAbnormal  closecode.Voice = 1006 // never sent
)

// maxReason bounds in bytes what is remembered of what a client did: errors
// quote it.
const maxReason = 256

// Refuse closes the connection with code, for a breach of the rules that the
// socket's owner noticed: of websocket's rules, or a message that is too large.
func (c *Conn) Refuse(now time.Time, code closecode.Voice, why string) { c.fail(now, code, why) }

// fail records a violation and closes the connection for it.
func (c *Conn) fail(now time.Time, code closecode.Voice, text string) {
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "")
	}
	c.violation(now, code, text)
	c.close(now, code)
	c.why = text
}

func (c *Conn) violation(now time.Time, code closecode.Voice, text string) {
	c.srv.stats.Violations++
	c.srv.violations.add(Violation{At: now, Conn: c.id, User: c.User(), Code: code, Text: text}, c.srv.cfg.records)
}

// close sends a close frame and ends the connection. Codes after which a
// client cannot resume end the session too.
func (c *Conn) close(now time.Time, code closecode.Voice) {
	if c.isClosed() {
		return
	}
	c.srv.stats.Closes[code]++
	s := c.session
	c.forget()
	c.queue(now, closeFrame(code))
	c.closed, c.why = code, code.String()
	c.shut(now)
	if s != nil && code.Decision() != closecode.Resume {
		c.srv.end(now, s, code)
	}
}

// shut detaches the session and forgets the connection. A stall ends with it.
func (c *Conn) shut(now time.Time) {
	c.phase, c.stalled = phase.VoiceClosed, false
	c.dog.Stop()
	if c.session != nil {
		c.session.detach(now)
		c.session = nil
	}
	c.loggedIn()
	delete(c.srv.conns, c)
}

func (c *Conn) stall(now time.Time, d time.Duration) {
	c.stalled, c.stallEnds = true, time.Time{}
	if d > 0 {
		c.stallEnds = now.Add(d)
	}
	c.wake() // there is a new deadline
}

// answer sends a message that has no number.
func (c *Conn) answer(now time.Time, op opcode.Voice, data []byte) {
	c.queue(now, Frame{Kind: FrameText, Data: appendText(nil, op, data, -1)})
}

func (c *Conn) queue(now time.Time, f Frame) {
	if c.isClosed() {
		return
	}
	c.out = append(c.out, f)
	c.pending += len(f.Data)
	c.wake()
	if c.pending > c.srv.cfg.pending && f.Kind != FrameCut {
		c.violation(now, 0, "reads too slowly")
		c.cut(now, "reads too slowly")
	}
}

// cut breaks the connection. The session stays.
func (c *Conn) cut(now time.Time, why string) {
	if c.isClosed() {
		return
	}
	c.forget()
	c.queue(now, Frame{Kind: FrameCut})
	c.why = why
	c.shut(now)
}

// maxLast is how many bytes may be left to send when a connection ends.
const maxLast = 64 << 10

// forget drops what a client that reads slowly could read for minutes after
// its connection is over. If it resumes it gets that again.
func (c *Conn) forget() {
	if c.pending > maxLast {
		c.out, c.next, c.pending = nil, 0, 0
	}
}

// wake puts the connection on the list of those with frames to send.
func (c *Conn) wake() {
	if !c.queued {
		c.queued = true
		c.srv.ready = append(c.srv.ready, c)
	}
}
