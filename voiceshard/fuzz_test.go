package voiceshard

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
)

// idleSession returns a session that does nothing by itself.
func idleSession(t require.TestingT) (*Voice, *Session) {
	v, err := New(GatewayFunc(func(context.Context, command.VoiceState) error { return nil }), bot)
	require.NoError(t, err)
	s, err := newSession(v, guild, lobby, nil)
	require.NoError(t, err)
	v.sessions[guild] = s
	return v, s
}

// Whatever the main gateway says, a session that connects has all that it takes.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"guild_id":"41771983423143937","user_id":"104694319306248192","channel_id":"1","session_id":"s"}`), []byte(`{"guild_id":"41771983423143937","token":"t","endpoint":"e:1"}`))
	f.Add([]byte(`{"guild_id":"41771983423143937","user_id":"104694319306248192","channel_id":null}`), []byte(`{"guild_id":41771983423143937,"endpoint":null}`))
	f.Add([]byte(`{"user":{"id":"104694319306248192"},"guilds":[{"id":"41771983423143937"}]}`), []byte(`{`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		v, s := idleSession(t)
		s.input(s.life.Join)
		s.wg.Wait()
		for _, data := range [][]byte{a, b, a} {
			for _, name := range []event.Type{event.VoiceStateUpdate, event.VoiceServerUpdate} {
				v.HandleEvent(name, data)
			}
		}
		s.wg.Wait()
		if s.target != nil {
			session := s.target.session
			require.NotEmpty(t, session.Endpoint)
			require.NotEmpty(t, session.SessionID)
			require.NotEmpty(t, session.Token)
			require.NotZero(t, s.Channel())
		}
		s.end(ErrLeft)
		s.wg.Wait()
		if s.timer != nil {
			s.timer.Stop()
		}
	})
}

// Messages about others are theirs to make up.
func FuzzMessages(f *testing.F) {
	f.Add(byte(opcode.VoiceSpeaking), []byte(voiceOfOther))
	f.Add(byte(opVideo), []byte(`{"user_id":"1","audio_ssrc":2}`))
	f.Add(byte(opcode.VoiceClientsConnect), []byte(`{"user_ids":["1","2"]}`))
	f.Add(byte(opcode.VoiceClientDisconnect), []byte(`{"user_id":"1"}`))
	f.Fuzz(func(t *testing.T, op byte, data []byte) {
		_, s := idleSession(t)
		defer s.end(ErrLeft)
		now := time.Unix(1, 0)
		switch opcode.Voice(op) {
		case opcode.VoiceSpeaking:
			s.hear(now, data)
		case opVideo:
			s.see(now, data)
		case opcode.VoiceClientsConnect:
			s.welcome(data)
		default:
			s.dismiss(now, data)
		}
		for _, user := range s.Users() {
			require.NotZero(t, user)
		}
		require.LessOrEqual(t, len(s.in.names), 1)
	})
}

// Authentic packets may say anything: each has at most one fate, and nothing is
// held for ever.
func FuzzPackets(f *testing.F) {
	f.Add([]byte("\x80\x78\x00\x01\x00\x00\x00\x01\x00\x00\x00\x4d\xfc"), []byte("\xb0\x78\x00\x03\x00\x00\x00\x02\x00\x00\x00\x4d\xbe\xde\x00\x01\x00\x00\x00\x00\xfc\x00\x02"), uint16(2))
	f.Add([]byte("\x80\xf8\xff\xff\x00\x00\x00\x01\x00\x00\x00\x4d"), []byte("\x9f\x78"), uint16(60000))
	f.Fuzz(func(t *testing.T, a, b []byte, pause uint16) {
		in := new(inbound)
		c, err := newConfig(nil)
		require.NoError(t, err)
		in.start(&c)
		key := make([]byte, rtp.KeySize)
		require.NoError(t, in.attach(rtp.AES256GCM, key, nil))
		sealer, err := rtp.NewSealer(rtp.AES256GCM, key, rtp.ServerNonces())
		require.NoError(t, err)
		now := time.Unix(1, 0)
		for _, plain := range [][]byte{a, b, b, a} {
			if sealed, err := sealer.Seal(append([]byte(nil), plain...)); err == nil {
				in.receive(now, sealed)
			}
			in.introduce(now, 0x4d, other)
			now = now.Add(time.Duration(pause) * time.Millisecond)
			in.expire(now)
		}
		now = now.Add(time.Hour)
		in.expire(now)
		require.True(t, in.deadline().IsZero())
		require.Zero(t, in.payloads)
		var st Stats
		in.figures(&st)
		r := st.Received
		require.LessOrEqual(t, r.OK+r.Late+r.Duplicates, r.Packets)
		for p, _ := in.queue.pop(); p != nil; p, _ = in.queue.pop() {
			require.NotZero(t, p.Count)
		}
	})
}
