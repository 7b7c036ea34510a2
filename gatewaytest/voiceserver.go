package gatewaytest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
)

// voiceServers is a [VoiceBackend] with one real voice server at a time.
type voiceServers struct {
	options []voiceserver.Option
	lvsp    bool        // drive it over LVSP
	secret  lvsp.Secret // of LVSP

	mu      sync.Mutex // guards what follows
	current voiceService
	retired []*voiceserver.Server
	closed  bool
}

// Join makes the bot a member of the server's channel.
func (v *voiceServers) Join(j VoiceJoin) VoiceServer {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.current.server == nil {
		return VoiceServer{}
	}
	endpoint, token, err := v.current.server.Join(voiceserver.Member{Guild: j.Guild, Channel: j.Channel, User: j.User, SessionID: j.SessionID})
	if err == nil {
		err = v.current.server.SetState(j.Guild, j.User, voiceserver.MemberState{Mute: j.Mute, Deaf: j.Deaf})
	}
	if err != nil { // the channel is full, or the server is closed
		return VoiceServer{}
	}
	return VoiceServer{Endpoint: endpoint, Token: token}
}

// Update makes the member mute or deaf.
func (v *voiceServers) Update(j VoiceJoin) {
	if server := v.server(); server != nil {
		_ = server.SetState(j.Guild, j.User, voiceserver.MemberState{Mute: j.Mute, Deaf: j.Deaf}) // it may have been removed there
	}
}

// Leave removes the member.
func (v *voiceServers) Leave(guild, user snowflake.ID) {
	if server := v.server(); server != nil {
		server.Leave(guild, user)
	}
}

func (v *voiceServers) server() *voiceserver.Server {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.current.server
}

// A voiceService is a voice server and, with LVSP, the way to drive it.
type voiceService struct {
	server *voiceserver.Server // nil: none is in service
	way    *pipeListener
	link   *voiceserver.LVSP
}

// replace takes the current server out of service and returns it. If start is
// set another one takes its place.
func (v *voiceServers) replace(start bool) (old *voiceserver.Server, err error) {
	var next voiceService
	if start {
		if next.server, err = voiceserver.New(v.options...); err != nil {
			return nil, fmt.Errorf("gatewaytest: voice server: %w", err)
		}
		if v.lvsp {
			next.way, next.link = v.admit(next.server)
		}
	}
	v.mu.Lock()
	former, closed := v.current, v.closed
	if !closed {
		v.current = next
		if former.server != nil {
			v.retired = append(v.retired, former.server)
		}
	}
	v.mu.Unlock()
	if closed {
		if next.server != nil {
			next.server.Close()
		}
		return nil, fmt.Errorf("gatewaytest: voice server: %w", voiceserver.ErrClosed)
	}
	if former.link != nil {
		former.link.Close()
	}
	return former.server, nil
}

func (v *voiceServers) close() {
	v.mu.Lock()
	v.closed = true
	all := v.retired
	if v.current.server != nil {
		all = append(all, v.current.server)
	}
	v.mu.Unlock()
	for _, server := range all {
		server.Close()
	}
}

// startVoice starts the voice server that [WithVoiceServer] asks for. Clients
// that trust the server's certificate trust those of its voice servers.
func (s *Server) startVoice(cfg *settings, pair tls.Certificate) {
	if cfg.lvsp != nil {
		defer s.startLVSP(cfg)
	}
	if cfg.voiceServer == nil || cfg.lvsp != nil && cfg.lvsp.URL != "" {
		return
	}
	s.voice = &voiceServers{lvsp: cfg.lvsp != nil, secret: newSecret(), options: append([]voiceserver.Option{voiceserver.WithCertificate(pair, s.cert)}, cfg.voiceServer...)}
	_, err := s.voice.replace(true)
	must(err)
	cfg.voice = s.voice
}

// Voice returns the voice server of a server made with [WithVoiceServer]. It
// is another one after [Server.MoveVoice], and nil without the option or after
// [Server.StopVoice].
func (s *Server) Voice() *voiceserver.Server {
	if s.voice == nil {
		return nil
	}
	return s.voice.server()
}

// MoveVoice starts another voice server, sends every bot in voice there with
// VOICE_SERVER_UPDATE, and ends their calls on the old one, if there is one,
// with close code 4022. It needs [WithVoiceServer].
func (s *Server) MoveVoice() error {
	if s.voice == nil {
		return errNoVoiceServer
	}
	old, err := s.voice.replace(true)
	if err != nil {
		return err
	}
	s.retire(old)
	return nil
}

// StopVoice takes the voice server out of service: every bot in voice is told
// that there is none, which is VOICE_SERVER_UPDATE with endpoint null, and the
// calls end with close code 4022. [Server.MoveVoice] starts another one.
//
// https://discord.com/developers/docs/events/gateway-events#voice-server-update
func (s *Server) StopVoice() error {
	if s.voice == nil {
		return errNoVoiceServer
	}
	old, err := s.voice.replace(false)
	if err != nil {
		return err
	}
	s.retire(old)
	return nil
}

// retire sends all bots to the server that is current now.
func (s *Server) retire(old *voiceserver.Server) {
	if s.lvsp != nil {
		s.forsake(old)
		return
	}
	s.do(func(now time.Time, w *world.World) {
		for _, j := range w.Voice() {
			w.AnswerVoice(now, j, s.voice.Join(j).place())
			if old != nil {
				old.Destroy(j.Guild, j.Channel)
			}
		}
	})
}

var errNoVoiceServer = errors.New("gatewaytest: there is no voice server, see WithVoiceServer")

// AnswerVoice is [world.World.AnswerVoice].
func (s *Server) AnswerVoice(j VoiceJoin, server VoiceServer) (ok bool) {
	s.do(func(now time.Time, w *world.World) { ok = w.AnswerVoice(now, j, server.place()) })
	return ok
}

// InVoice returns the bots in voice, see [world.World.Voice].
func (s *Server) InVoice() []VoiceJoin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.Voice()
}

// MoveMember is [world.World.MoveMember].
func (s *Server) MoveMember(guild, user, channel snowflake.ID) (err error) {
	s.do(func(now time.Time, w *world.World) { err = w.MoveMember(now, guild, user, channel) })
	return err
}

// MuteMember is [world.World.MuteMember].
func (s *Server) MuteMember(guild, user snowflake.ID, mute, deaf bool) (err error) {
	s.do(func(now time.Time, w *world.World) { err = w.MuteMember(now, guild, user, mute, deaf) })
	return err
}
