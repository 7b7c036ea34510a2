package voiceshard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// receive acts on one message.
func (c *connection) receive(ctx context.Context, msg []byte, binary bool) error {
	s := c.session
	now := time.Now()
	s.mu.Lock()
	if c.err != nil {
		s.mu.Unlock()
		return c.err
	}
	process := c.state.ProcessMessage
	if binary {
		process = c.state.ProcessBinary
	}
	c.state.Advance(now)
	m, redundant, err := process(msg, c.writers())
	encrypted := s.cryptor != nil && err == nil && !redundant && (m.Op.DAVE() || m.Op == opcode.VoiceSessionDescription)
	if encrypted {
		s.keyed = s.cryptor.keyed()
	}
	s.mu.Unlock()
	if err == nil && !redundant {
		err = c.act(ctx, now, m)
	}
	c.flush()
	if encrypted {
		s.rekeyed(now)
	}
	return err
}

// rekeyed goes on with what waited for a key, if it is there.
func (s *Session) rekeyed(now time.Time) {
	s.in.retry(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeUp()
}

// act does what the shell has to do with a message.
func (c *connection) act(ctx context.Context, now time.Time, m *gateway.VoiceMessage) error {
	s := c.session
	switch m.Op {
	case opcode.VoiceReady:
		return c.ready(ctx)
	case opcode.VoiceSessionDescription:
		return c.activate(now)
	case opcode.VoiceResumed:
		return c.resumed(ctx, now)
	case opcode.VoiceSpeaking:
		s.hear(now, m.Data)
	case opVideo:
		s.see(now, m.Data)
	case opcode.VoiceClientsConnect:
		s.welcome(m.Data)
	case opcode.VoiceClientDisconnect:
		s.dismiss(now, m.Data)
	case opcode.VoiceHeartbeatACK:
		s.mu.Lock()
		s.latency = c.state.Latency()
		s.mu.Unlock()
	}
	return nil
}

// ready opens the transport, which finds out its address.
func (c *connection) ready(ctx context.Context) error {
	c.session.mu.Lock()
	r, _ := c.state.Ready()
	c.session.mu.Unlock()
	if _, err := rtp.SelectMode(r.Modes); err != nil {
		return fmt.Errorf("voiceshard: the voice server offers %q: %w", r.Modes, err)
	}
	return c.session.startMedia(ctx, r)
}

// selectProtocol tells the voice server where audio comes from. The caller
// holds the mutex of the session.
func (c *connection) selectProtocol(m *media) {
	r, _ := c.state.Ready()
	mode, err := rtp.SelectMode(r.Modes)
	if err == nil && m.addr.IsValid() {
		err = c.state.SelectProtocol(messageWriter{c, ws.OpText}, m.addr.Addr().String(), m.addr.Port(), string(mode))
	}
	// Before the answer to resume it is too early: resumed does it then.
	if err != nil && !errors.Is(err, gateway.ErrNotReady) {
		c.session.log.Warn("select protocol", "err", err)
	}
}

// resumed goes on where the connection before broke off.
func (c *connection) resumed(ctx context.Context, now time.Time) error {
	s := c.session
	s.mu.Lock()
	active, m := c.state.Active(), s.media
	if active && m != nil && m.live {
		s.resumes++
	} else if !active && m != nil {
		c.selectProtocol(m)
	}
	s.mu.Unlock()
	switch {
	case m == nil:
		return c.ready(ctx)
	case active:
		return c.activate(now)
	}
	return nil
}

// activate makes audio flow.
func (c *connection) activate(now time.Time) error {
	s := c.session
	s.mu.Lock()
	d, _ := c.state.Description()
	m, crypt := s.media, s.cryptor
	var err error
	if m != nil {
		err = m.err
	}
	s.mu.Unlock()
	if m == nil || err != nil {
		return err
	}
	mode := rtp.Mode(d.Mode)
	if err := s.in.attach(mode, d.SecretKey[:], crypt); err != nil {
		return fmt.Errorf("voiceshard: %w", err)
	}
	if err := s.out.attach(m, mode, d.SecretKey[:], crypt); err != nil {
		return fmt.Errorf("voiceshard: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.live, c.by, c.activeAt = true, time.Time{}, now
	c.speak(now)
	connects := s.life.Connects()
	s.life.Audio(now)
	s.follow(now)
	if s.life.Connects() > connects {
		s.log.Info("voice connected", "channel", s.life.Channel().String(), "mode", d.Mode, "e2ee", d.DAVEProtocolVersion)
		s.emit(Event{Kind: EventConnected, Channel: s.life.Channel()})
	}
	return nil
}

// opVideo is what clients with a camera send besides Speaking: their SSRCs.
// Discord does not document it.
const opVideo opcode.Voice = 12

// hear takes a Speaking message. It may come before Ready.
func (s *Session) hear(now time.Time, data []byte) {
	var v gateway.VoiceSpeaking
	if err := json.Unmarshal(data, &v); err != nil || v.UserID == 0 {
		return
	}
	s.in.introduce(now, v.SSRC, v.UserID)
	s.emit(Event{Kind: EventSpeaking, User: v.UserID, SSRC: v.SSRC, Flags: v.Speaking})
}

// see takes the SSRC of the audio out of a Video message.
func (s *Session) see(now time.Time, data []byte) {
	var v struct {
		UserID snowflake.ID `json:"user_id"`
		Audio  uint32       `json:"audio_ssrc"`
	}
	if err := json.Unmarshal(data, &v); err == nil && v.UserID != 0 && v.Audio != 0 {
		s.in.introduce(now, v.Audio, v.UserID)
	}
}

// welcome takes a Clients Connect message.
func (s *Session) welcome(data []byte) {
	var v gateway.VoiceClientsConnect
	if err := json.Unmarshal(data, &v); err != nil {
		return
	}
	self, _ := s.voice.self()
	for _, user := range s.in.join(v.UserIDs, self) {
		s.emit(Event{Kind: EventUserJoined, User: user})
	}
}

// dismiss takes a Client Disconnect message.
func (s *Session) dismiss(now time.Time, data []byte) {
	var v gateway.VoiceClientDisconnect
	if err := json.Unmarshal(data, &v); err == nil && v.UserID != 0 {
		s.in.leave(now, v.UserID)
		s.emit(Event{Kind: EventUserLeft, User: v.UserID})
	}
}
