package signaling

import (
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
)

// handleIdentify starts a session, or says why not.
//
// https://discord.com/developers/docs/topics/voice-connections#establishing-a-voice-websocket-connection
func (c *Conn) handleIdentify(now time.Time, data []byte) {
	var d gateway.VoiceIdentify
	if err := json.Unmarshal(data, &d); err != nil {
		c.fail(now, closecode.VoiceDecodeError, "identify: "+err.Error())
		return
	}
	m := c.authenticate(now, credentials{d.Token, d.ServerID, d.UserID, d.SessionID})
	switch {
	case m == nil:
	case m.User != d.UserID:
		c.fail(now, closecode.VoiceAuthenticationFailed, "token of another user")
	case c.srv.cfg.requireE2EE && !m.room.withoutE2EE && d.MaxDAVEProtocolVersion == 0:
		c.fail(now, closecode.VoiceE2EERequired, "no end-to-end encryption offered")
	default:
		c.start(now, m, d.MaxDAVEProtocolVersion)
	}
}

func (c *Conn) start(now time.Time, m *member, e2ee uint16) {
	s, err := c.srv.begin(now, m, e2ee)
	if err != nil {
		c.fail(now, closecode.VoiceServerCrashed, "random numbers: "+err.Error())
		return
	}
	c.srv.stats.Identifies++
	c.attach(s)
	port := c.srv.ports[m.room.port]
	ready := gateway.VoiceReady{SSRC: s.ssrc, IP: port.Addr().String(), Port: port.Port()}
	for _, mode := range c.srv.cfg.modes {
		ready.Modes = append(ready.Modes, string(mode))
	}
	c.answer(now, opcode.VoiceReady, encoded(struct {
		gateway.VoiceReady
		// "an erroneous field": some clients take it for the one of Hello.
		Interval int64 `json:"heartbeat_interval"`
	}{ready, c.srv.cfg.interval.Milliseconds()}))
}

func (c *Conn) attach(s *session) {
	c.session, c.user, s.conn = s, s.member.User, c
	c.messages = s.member.messages // a connection more is not a right to more messages
	c.loggedIn()
	c.phase = phase.VoiceSelect
	if s.talking {
		c.phase = phase.VoiceActive
	}
}

// loggedIn stops the clock for it.
func (c *Conn) loggedIn() {
	if !c.loginBy.IsZero() {
		c.loginBy = time.Time{}
		c.srv.logins--
	}
}

// handleResume continues a session.
//
// https://discord.com/developers/docs/topics/voice-connections#resuming-voice-connection
func (c *Conn) handleResume(now time.Time, data []byte) {
	var d gateway.VoiceResume
	if err := json.Unmarshal(data, &d); err != nil {
		c.fail(now, closecode.VoiceDecodeError, "resume: "+err.Error())
		return
	}
	m := c.authenticate(now, credentials{d.Token, d.ServerID, 0, d.SessionID})
	if m == nil {
		return
	}
	s := m.session
	if s == nil {
		c.fail(now, closecode.VoiceSessionInvalid, "no session to resume")
		return
	}
	var missed []Frame
	if c.version >= 8 {
		var ok bool
		if missed, ok = s.buffer.after(d.SeqAck); !ok {
			c.fail(now, closecode.VoiceSessionInvalid, "resume from a message that is not kept")
			c.srv.end(now, s, closecode.VoiceSessionInvalid)
			return
		}
	}
	c.resume(now, s, missed)
}

func (c *Conn) resume(now time.Time, s *session, missed []Frame) {
	if old := s.conn; old != nil {
		old.session, s.conn = nil, nil
		old.close(now, closecode.VoiceDisconnected)
		old.why = "resumed elsewhere"
	}
	c.srv.stats.Resumes++
	c.attach(s)
	c.answer(now, opcode.VoiceResumed, nil)
	for _, f := range missed {
		c.srv.stats.Replayed++
		c.queue(now, f)
	}
}

// handleSelect answers with the key for audio. The first time the client is
// let into the call; after that its address and its key change.
//
// https://discord.com/developers/docs/topics/voice-connections#establishing-a-voice-udp-connection
func (c *Conn) handleSelect(now time.Time, data []byte) {
	var d gateway.VoiceSelectProtocol
	if err := json.Unmarshal(data, &d); err != nil {
		c.fail(now, closecode.VoiceDecodeError, "select protocol: "+err.Error())
		return
	}
	addr, err := netip.ParseAddr(d.Data.Address)
	switch {
	case d.Protocol != "udp":
		c.fail(now, closecode.VoiceUnknownProtocol, "protocol "+quoted(d.Protocol))
	case !slices.Contains(c.srv.cfg.modes, rtp.Mode(d.Data.Mode)):
		c.fail(now, closecode.VoiceUnknownEncryptionMode, "encryption mode "+quoted(d.Data.Mode))
	case err != nil || d.Data.Port == 0:
		c.fail(now, closecode.VoiceBadRequest, "select protocol without an address")
	default:
		c.selected(now, netip.AddrPortFrom(addr.Unmap().WithZone(""), d.Data.Port), d.Data.Mode)
	}
}

func (c *Conn) selected(now time.Time, named netip.AddrPort, mode string) {
	s := c.session
	r := s.member.room
	// Always a new key: clients start to count nonces anew.
	var key gateway.VoiceKey
	if _, err := io.ReadFull(c.srv.cfg.random, key[:]); err != nil {
		c.fail(now, closecode.VoiceServerCrashed, "random numbers: "+err.Error())
		return
	}
	var version uint16
	var messages []dave.Outgoing
	if r.delivery != nil {
		var err error
		version, messages, err = r.delivery.Join(now, s.member.User, s.e2ee)
		if errors.Is(err, dave.ErrRequired) {
			c.fail(now, closecode.VoiceE2EERequired, err.Error())
			return
		} else if err != nil {
			c.fail(now, closecode.VoiceBadRequest, err.Error())
			return
		}
	}
	s.mode, s.named, s.key = mode, named, key
	c.srv.route(s)
	c.phase = phase.VoiceActive
	r.joinCall(now, s, version)
	if r.delivery != nil {
		r.deliver(now, messages)
	}
}
