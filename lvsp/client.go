package lvsp

import (
	"fmt"
	"io"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/heart"
	"github.com/discordpkg/gateway/internal/redact"
	"github.com/discordpkg/gateway/ratelimit"
)

// A Client is the backend's end of its links with one voice server, as a pure
// machine. It knows who is to be in which channel, and sees to it that the
// voice server does too: after the link was lost, after either side was
// restarted. It has no socket, clock or goroutine, and is not safe for
// concurrent use.
//
// The owner of the socket calls Dialed when a websocket is open, then Receive
// with its messages, sends what Next returns, and calls Lost when it is over;
// after each call the events are asked for. Time must not run backwards.
type Client struct {
	wish        Dialect
	allowPlain  bool
	backoff     time.Duration
	backoffMost time.Duration
	jitter      func() float64
	sign, plain signer

	phase    clientPhase
	deadline time.Time // for HELLO and READY
	closing  Disconnected
	failures int
	health   float64

	dialect  Dialect // of the session
	session  string  // empty if it cannot be resumed
	seq      int64   // of the last message received
	resuming bool
	requests requests

	interval time.Duration
	heart    heart.Heart
	out      outbox

	channels map[Snowflake]*wantedChannel
	states   map[seat]*wantedState
	events   []Event
}

type clientPhase uint8

const (
	clientOffline clientPhase = iota
	clientHello               // a websocket is open
	clientReady               // IDENTIFY or RESUME is sent
	clientActive              // the session runs
	clientClosing             // a close frame is among the frames to send
)

// NewClient returns a client that wants nothing yet, and is not connected. The
// zero secret is [ErrShortSecret].
func NewClient(secret Secret, options ...ClientOption) (*Client, error) {
	sign, err := newSigner(secret.bytes())
	if err != nil {
		return nil, err
	}
	c := &Client{
		sign: sign, plain: plainSigner(secret.bytes()), seq: -1,
		channels: make(map[Snowflake]*wantedChannel), states: make(map[seat]*wantedState),
	}
	c.defaults()
	for _, o := range options {
		if err := o(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Dialed tells that a websocket to the voice server is open.
func (c *Client) Dialed(now time.Time) {
	c.reset()
	c.phase, c.deadline = clientHello, now.Add(IdentifyTimeout)
	// The voice server counts when messages arrive, so their delays must not
	// push them together.
	c.requests.window = ratelimit.NewWindow(MessageLimit, MessagePeriod+ratelimit.CommandMargin)
	c.requests.window.Reserve(64)
}

// reset forgets the link.
func (c *Client) reset() {
	c.phase, c.deadline, c.resuming = clientOffline, time.Time{}, false
	c.heart.Stop()
	c.out.clear()
	c.requests.backlog, c.requests.releaseAt = nil, time.Time{}
}

// Lost tells that the websocket is over, whichever end closed it, or that dialing
// failed, with [AbnormalClosure] if there was no close frame. It is the only
// way back: a client that closes by itself waits for it too.
func (c *Client) Lost(now time.Time, code CloseCode, reason string) {
	over := Disconnected{Code: code, Reason: redact.Text(reason, c.plain(""))} // the voice server may know it
	if c.phase == clientClosing {
		over = c.closing
	}
	if c.resuming && c.phase == clientReady && code != AbnormalClosure {
		c.session, c.failures = "", 0 // the voice server does not know it, or not enough of it
	}
	closed := c.phase == clientClosing && over.Code == NormalClosure
	c.reset()
	if over.Code != AuthenticationFailed && !closed {
		delay := min(c.backoff<<min(c.failures, 20), c.backoffMost)
		over.RetryAt = now.Add(delay/2 + time.Duration(c.jitter()*float64(delay/2)))
		c.failures++
	}
	c.emit(over)
}

// Receive takes one message of the voice server. Msg is not kept.
func (c *Client) Receive(now time.Time, msg []byte) {
	if c.phase == clientOffline || c.phase == clientClosing {
		return
	}
	m, err := parseMessage(msg)
	if err == nil {
		c.heart.Alive()
		err = c.handle(now, m)
	}
	if err != nil {
		c.close(DecodeError, err.Error())
	}
}

// TooLarge tells that the header of a frame claims more than [MaxMessage]. The
// frame must not be read: the link ends.
func (c *Client) TooLarge(time.Time) {
	c.close(DecodeError, fmt.Sprintf("message of more than %d bytes", MaxMessage))
}

// handle ignores what it does not know, or not expect.
func (c *Client) handle(now time.Time, m message) error {
	switch {
	case m.op == OpHello && c.phase == clientHello:
		return c.handleHello(now, m)
	case m.op == OpReady && c.phase == clientReady:
		return c.handleReady(now, m)
	case m.op == OpHeartbeatACK && c.phase == clientActive:
		c.handleACK(now, m)
	case m.op == OpInfo && (c.phase == clientActive || c.resuming):
		return c.handleInfo(now, m)
	}
	return nil
}

// handleACK accepts any body, as the voice server does for heartbeats.
func (c *Client) handleACK(now time.Time, m message) {
	c.heart.Acked(now)
	var ack HeartbeatACK
	if m.decode(&ack) != nil {
		return
	}
	c.health = clampHealth(ack.Health)
	if ack.Received != nil {
		c.requests.arrived(*ack.Received)
	}
}

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled.
func (c *Client) NextDeadline() time.Time {
	if c.phase == clientOffline || c.phase == clientClosing {
		return time.Time{}
	}
	return deadline.Earliest(c.deadline, deadline.Earliest(c.heart.Next(), c.requests.releaseAt))
}

// HandleTimeout does what is due at now: it beats, sends what had to wait, and
// closes a link that is dead. An early call does nothing.
func (c *Client) HandleTimeout(now time.Time) {
	if c.NextDeadline().IsZero() {
		return
	}
	if deadline.Due(c.deadline, now) {
		c.close(GeneralError, "no answer in time")
		return
	}
	beat, dead := c.heart.Due(now)
	switch {
	case dead:
		c.close(GeneralError, "heartbeat not acknowledged")
		return
	case beat:
		c.beat(now)
	}
	c.release(now)
}

func (c *Client) beat(now time.Time) {
	var h Heartbeat
	switch seq := max(c.seq, 0); {
	case c.dialect == Wire2022, c.dialect == Seed, c.dialect == Extended && c.seq >= 0:
		h.Seq = &seq
	}
	c.requests.window.Spend(now)
	c.heart.Sent(now)
	c.send(OpHeartbeat, h)
}

// Close ends the link. The voice server keeps what was asked for some minutes.
func (c *Client) Close() { c.close(NormalClosure, "") }

func (c *Client) close(code CloseCode, reason string) {
	if c.phase == clientOffline || c.phase == clientClosing {
		return
	}
	c.phase, c.closing = clientClosing, Disconnected{Code: code, Reason: reason}
	c.heart.Stop()
	c.out.push(closeFrame(code, reason))
}

// Next returns the next frame to send, false while there is none.
func (c *Client) Next() (Frame, bool) { return c.out.pop() }

// NextEvent returns what happened, oldest first, false if nothing did.
func (c *Client) NextEvent() (Event, bool) {
	if len(c.events) == 0 {
		c.events = nil
		return nil, false
	}
	e := c.events[0]
	c.events[0] = nil
	c.events = c.events[1:]
	return e, true
}

func (c *Client) emit(e Event) { c.events = append(c.events, e) }

func (c *Client) send(op Opcode, payload any) {
	c.out.push(Frame{Kind: FrameText, Data: appendMessage(nil, op, -1, encode(payload))})
}

// Active reports whether the session runs.
func (c *Client) Active() bool { return c.phase == clientActive }

// Health returns what the voice server said last, from 0, useless, to 1, idle.
// A backend with several voice servers takes the one with the highest.
func (c *Client) Health() float64 { return c.health }

// Dialect returns the dialect of the session, ByEvidence before the first.
func (c *Client) Dialect() Dialect { return c.dialect }

// String returns a short description without secrets.
func (c *Client) String() string {
	return fmt.Sprintf("lvsp: backend, %v, %d channels, %d voice states", c.dialect, len(c.channels), len(c.states))
}

// Format implements [fmt.Formatter] with what String returns.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }
