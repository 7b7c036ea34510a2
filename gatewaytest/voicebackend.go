package gatewaytest

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/snowflake"
)

// A VoiceBackend knows the voice servers. Its methods are called while the
// server stands still: they must neither block nor call back.
type VoiceBackend interface {
	// Join is told that a bot joins or moves to a voice channel, and returns
	// where its voice connection goes. It is asked again by bots whose voice
	// connection was lost.
	Join(VoiceJoin) VoiceServer

	// Update is told that a bot that stays has changed whether it is mute or
	// deaf.
	Update(VoiceJoin)

	// Leave is told that a bot leaves voice in a guild.
	Leave(guild, user snowflake.ID)
}

// A VoiceServer is where a voice connection goes.
type VoiceServer struct {
	Endpoint string // host and port; empty: no server is available
	Token    string
	Later    bool // nothing is known yet, [Server.AnswerVoice] tells
}

// Format implements [fmt.Formatter] without the token.
func (v VoiceServer) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice server %s, later %t", v.Endpoint, v.Later)
}

// LogValue implements [slog.LogValuer] without the token.
func (v VoiceServer) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

func (v VoiceServer) place() world.VoiceServer {
	return world.VoiceServer{Endpoint: v.Endpoint, Token: v.Token}
}

// WithVoice sets where voice connections go. Without it, and without a voice
// server, all go to one endpoint that does not exist.
func WithVoice(v VoiceBackend) Option {
	return func(s *settings) error {
		if v == nil {
			return errors.New("gatewaytest: WithVoice: the backend is nil")
		}
		s.voice = v
		return nil
	}
}

// serveVoice does what the world asks of the voice servers. The caller holds
// the mutex.
func (s *Server) serveVoice(now time.Time) {
	for r, ok := s.world.NextVoiceRequest(); ok; r, ok = s.world.NextVoiceRequest() {
		switch r.Kind {
		case world.VoiceAsked:
			if to := s.backend.Join(r.VoiceJoin); !to.Later {
				s.world.AnswerVoice(now, r.VoiceJoin, to.place())
			}
		case world.VoiceChanged:
			s.backend.Update(r.VoiceJoin)
		case world.VoiceLeft:
			s.backend.Leave(r.Guild, r.User)
		}
	}
}
