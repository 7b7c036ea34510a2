package voiceshard

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/snowflake"
)

// newDAVE returns what makes sessions of package dave. All of them have one
// identity, which the options may replace: DAVE wants the same key in all calls
// of a user at the same time, and clients show another one as unverified.
//
// https://daveprotocol.com/#identity-key-verification
func newDAVE(options ...dave.Option) func(user, channel snowflake.ID) (FrameCryptor, error) {
	identity := sync.OnceValues(dave.NewIdentity)
	return func(user, channel snowflake.ID) (FrameCryptor, error) {
		own, err := identity()
		if err != nil {
			return nil, err
		}
		s, err := dave.NewSession(user, channel, append([]dave.Option{dave.WithIdentity(own)}, options...)...)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// cryptor is the end-to-end encryption of a session, shared by those who send,
// receive, and read the websocket.
type cryptor struct {
	mu      sync.Mutex // guards machine, keys and ready
	machine FrameCryptor
	keys    uint64 // the machine's KeyNumber, if it has one
	ready   bool
	busy    atomic.Bool   // for long, as frames do not make it
	version atomic.Uint64 // grows when frames must be encrypted anew; written with mu held
}

// MaxProtocolVersion implements [gateway.E2EE].
func (c *cryptor) MaxProtocolVersion() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine.MaxProtocolVersion()
}

// HandleVoice implements [gateway.E2EE].
func (c *cryptor) HandleVoice(now time.Time, m gateway.VoiceMessage) ([]gateway.VoiceMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy.Store(true)
	defer c.busy.Store(false)
	defer c.renew()
	return c.machine.HandleVoice(now, m)
}

// renew makes what is encrypted ahead of time stale if the machine encrypts
// otherwise than before. A machine that does not tell may do so after each
// message. The caller holds mu.
func (c *cryptor) renew() {
	ready := c.isReady()
	m, tells := c.machine.(interface{ KeyNumber() uint64 })
	if tells && m.KeyNumber() == c.keys && ready == c.ready {
		return
	}
	if tells {
		c.keys = m.KeyNumber()
	}
	c.ready = ready
	c.version.Add(1)
}

// encrypt appends an encrypted frame to dst, and returns the version of the
// keys. It reports a frame as hollow that no member could decrypt.
func (c *cryptor) encrypt(dst, frame []byte) (out []byte, version uint64, hollow bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	version = c.version.Load()
	out, err = c.machine.EncryptFrame(time.Now(), dst, frame, dave.Opus)
	switch {
	case err == nil:
		return out, version, false, nil
	case c.waits(err):
		return dst, version, true, nil
	}
	return dst, version, false, err
}

// decrypt appends a decrypted frame to dst. It reports whether the same frame
// may be decryptable later.
func (c *cryptor) decrypt(now time.Time, user snowflake.ID, dst, frame []byte) (out []byte, later bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, err = c.machine.DecryptFrame(now, user, dst, frame)
	if err == nil {
		return out, false, nil
	}
	return dst, c.waits(err), err
}

// expirePause is how soon a machine is called again that names no time to come.
const expirePause = 10 * time.Millisecond

// expire drops keys that are over, and returns when to do so again, zero for
// never.
func (c *cryptor) expire(now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.machine.(interface {
		NextDeadline() time.Time
		HandleTimeout(now time.Time)
	})
	if !ok {
		return time.Time{}
	}
	m.HandleTimeout(now)
	next := m.NextDeadline()
	if soon := now.Add(expirePause); !next.IsZero() && next.Before(soon) {
		return soon
	}
	return next
}

// wipe overwrites the keys of an encryption that is not needed any more.
func (c *cryptor) wipe() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if w, ok := c.machine.(interface{ Wipe() }); ok {
		w.Wipe()
	}
}

// Encryption calls f with the end-to-end encryption of the current voice
// session, for what only it knows, such as the privacy code. Nothing is sent or
// received meanwhile: f must not keep it, nor call the session. It reports false, and does not
// call f, while there is none.
func (s *Session) Encryption(f func(FrameCryptor)) bool {
	s.mu.Lock()
	c := s.cryptor
	s.mu.Unlock()
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy.Store(true)
	defer c.busy.Store(false)
	defer c.renew()
	f(c.machine)
	return true
}

// keyed reports whether frames can be encrypted, as far as the machine says.
func (c *cryptor) keyed() bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isReady()
}

// isReady is keyed. The caller holds mu.
func (c *cryptor) isReady() bool {
	r, ok := c.machine.(interface{ Ready() bool })
	return !ok || r.Ready()
}

// waits reports whether an error is for want of a key. The caller holds mu.
func (c *cryptor) waits(err error) bool { return !c.isReady() || errors.Is(err, dave.ErrNoKey) }

// A FrameCryptor encrypts and decrypts the audio of one session end to end,
// see [WithE2EE]. It is called by one goroutine at a time.
//
// An error that matches [dave.ErrNoKey], and any error while a method
// Ready() bool returns false, if there is one, means the want of a key: frames
// to be sent are dropped then without an error, and packets that arrived are
// held for a moment; a [Player] waits. With a method KeyNumber() uint64 it tells
// when frames must be encrypted anew that were encrypted ahead of time, see
// [dave.Session.KeyNumber]; without one they are after each message of the
// encryption. If it has methods NextDeadline() time.Time and
// HandleTimeout(time.Time), they are called as the states of this module want.
// A method Wipe() is called when it is not needed any more.
type FrameCryptor interface {
	gateway.E2EE

	// EncryptFrame appends to dst what is sent instead of frame.
	EncryptFrame(now time.Time, dst, frame []byte, codec dave.Codec) ([]byte, error)

	// DecryptFrame appends to dst the frame that a user sent.
	DecryptFrame(now time.Time, user snowflake.ID, dst, frame []byte) ([]byte, error)
}
