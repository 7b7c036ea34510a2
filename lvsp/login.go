package lvsp

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

var (
	errNonce     = errors.New("nonce is not of letters and digits")
	errPlain     = errors.New("no nonce, and the secret must not be sent")
	errHeartbeat = errors.New("heartbeat interval out of range")
	errReceived  = errors.New("wrong count of requests")
)

// handleHello identifies, or resumes what was before.
func (c *Client) handleHello(now time.Time, m message) error {
	var h Hello
	if err := m.decode(&h); err != nil {
		return err
	}
	if h.HeartbeatInterval < 1 || h.HeartbeatInterval > math.MaxInt32 {
		return fmt.Errorf("%w: %w", ErrMalformed, errHeartbeat)
	}
	d := c.choose(h)
	token, err := c.token(d, h.Nonce)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	c.interval = time.Duration(h.HeartbeatInterval) * time.Millisecond
	c.requests.window.Spend(now)
	c.phase, c.deadline = clientReady, now.Add(IdentifyTimeout)
	if c.session != "" && d == c.dialect {
		c.resuming = true
		r := Resume{Token: token, Session: c.session}
		if c.seq >= 0 {
			r.Seq = &c.seq
		}
		c.send(OpResume, r)
		return nil
	}
	c.dialect, c.session, c.seq = d, "", -1
	c.requests.forget()
	id := Identify{Token: token}
	if slices.Contains(h.Dialects, d.String()) {
		id.Dialect = d.String()
	}
	c.send(OpIdentify, id)
	return nil
}

// choose returns the dialect to speak.
func (c *Client) choose(h Hello) Dialect {
	offered := slices.Contains(h.Dialects, Extended.String())
	switch {
	case c.wish == Extended && !offered:
		return Final
	case c.wish != ByEvidence:
		return c.wish
	case offered:
		return Extended
	case h.Nonce != "":
		return Final
	}
	return Seed
}

// token returns what proves that the client knows the secret. A nonce of other
// characters than the document's could be made for another use of the secret.
func (c *Client) token(d Dialect, nonce string) (string, error) {
	switch {
	case nonce == "" && d == Seed && c.allowPlain:
		return c.plain(""), nil
	case nonce == "":
		return "", errPlain
	case len(nonce) > 64 || strings.Trim(nonce, nonceCharacters) != "":
		return "", errNonce
	}
	return c.sign(nonce), nil
}

// handleReady makes the voice server know what it may not.
func (c *Client) handleReady(now time.Time, m message) error {
	var r Ready
	if err := m.decode(&r); err != nil {
		return err
	}
	resumed := c.resuming
	if resumed && (r.Received == nil || !c.requests.resend(*r.Received)) {
		c.session = ""
		return fmt.Errorf("%w: %w", ErrMalformed, errReceived)
	}
	c.phase, c.deadline, c.resuming, c.failures = clientActive, time.Time{}, false, 0
	c.health = clampHealth(r.Health)
	c.settle(r)
	if c.dialect == Wire2022 && c.interval < time.Second {
		c.interval *= 1000 // it was in seconds, see WithHelloSeconds
	}
	c.heart.Start(now, c.interval, c.jitter())
	c.emit(Connected{Dialect: c.dialect, Resumed: resumed, Health: c.health})
	if !resumed {
		c.assertAll(now)
	}
	c.release(now)
	return nil
}

// settle takes note of what the voice server makes of the dialect. Only where
// it counts requests can a session be resumed without losing some: elsewhere
// what is no longer wanted ends because it is not asked for in a new session.
func (c *Client) settle(r Ready) {
	if d, ok := ParseDialect(r.Dialect); ok && c.wish == ByEvidence {
		c.dialect = d
	}
	if c.dialect == Extended && r.Received == nil {
		c.dialect = Final
	}
	if c.session = ""; c.dialect == Extended && len(r.Session) <= maxText {
		c.session = r.Session
	}
}
