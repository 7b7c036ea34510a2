package gatewaytest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
)

// An LVSP says how to reach a voice server that backends drive over the
// Litecord Voice Server Protocol, see package lvsp. The zero value means the
// voice server of [WithVoiceServer], in the same process and without a socket.
type LVSP struct {
	URL     string // with the scheme ws or wss
	Secret  lvsp.Secret
	TLS     *tls.Config
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error) // a [net.Dialer] if nil
	Options []lvsp.ClientOption
}

// WithLVSP makes a server find voice servers as a Discord-compatible backend
// does: over LVSP. VOICE_SERVER_UPDATE comes when the voice server has
// answered. When the voice server was restarted every bot in voice is
// introduced to it again; bots that it gives up on leave voice.
//
// The voice server must speak the extended dialect, because voice states have
// their session ids before it is asked. [NewServer] panics if the secret is too
// short.
func WithLVSP(v LVSP) Option {
	return func(s *settings) error { s.lvsp = &v; return nil }
}

// backendName is what a voice server in the same process calls us.
const backendName = "gatewaytest"

// A placeKey says where a user can be only once.
type placeKey struct{ guild, user snowflake.ID }

// lvspVoice is a [VoiceBackend] that drives a voice server over LVSP.
type lvspVoice struct {
	srv     *Server
	target  LVSP
	wake    chan struct{} // something to send or to tell
	running sync.WaitGroup
	cancel  context.CancelFunc

	mu     sync.Mutex // guards what follows; may be taken with the server's held, never the other way round
	client *lvsp.Client
	joins  map[placeKey]VoiceJoin
	asked  map[placeKey]bool // who waits for an answer
	over   bool              // the voice server will not have us
	pong   []byte            // frame of the answer to the last ping
}

// startLVSP makes a voice server the one of [WithLVSP].
func (s *Server) startLVSP(cfg *settings) {
	target := *cfg.lvsp
	if target.URL == "" && s.voice != nil {
		target.URL, target.Secret, target.NetDial = "ws://voice.internal/", s.voice.secret, s.voice.dial
	}
	client, err := lvsp.NewClient(target.Secret, target.Options...)
	must(err)
	s.lvsp = &lvspVoice{
		srv: s, target: target, client: client, wake: make(chan struct{}, 1),
		joins: make(map[placeKey]VoiceJoin), asked: make(map[placeKey]bool),
	}
	cfg.voice = s.lvsp
}

// run starts to dial. The world exists by now.
func (v *lvspVoice) run() {
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	v.running.Go(func() { v.dialAll(ctx) })
}

func (v *lvspVoice) close() {
	v.cancel()
	v.running.Wait()
}

func (v *lvspVoice) wakeUp() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// Join asks for a voice state. The answer comes later.
func (v *lvspVoice) Join(j VoiceJoin) VoiceServer {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := placeKey{j.Guild, j.User}
	v.joins[key], v.asked[key] = j, true
	if err := v.client.Join(time.Now(), wanted(j)); err != nil || v.over {
		return VoiceServer{}
	}
	v.wakeUp()
	return VoiceServer{Later: true}
}

func wanted(j VoiceJoin) lvsp.VoiceState {
	return lvsp.VoiceState{Guild: j.Guild, Channel: j.Channel, User: j.User, SessionID: j.SessionID, Flags: flagsOf(j)}
}

func flagsOf(j VoiceJoin) (f lvsp.Flags) {
	if j.Mute {
		f |= lvsp.Mute
	}
	if j.Deaf {
		f |= lvsp.Deaf
	}
	return f
}

// Update tells other flags of a bot that stays.
func (v *lvspVoice) Update(j VoiceJoin) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.joins[placeKey{j.Guild, j.User}] = j
	_ = v.client.Update(time.Now(), j.Guild, j.User, flagsOf(j)) // refused before, or ended: nothing to update
	v.wakeUp()
}

// Leave takes a voice state back.
func (v *lvspVoice) Leave(guild, user snowflake.ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.joins, placeKey{guild, user})
	delete(v.asked, placeKey{guild, user})
	_ = v.client.Leave(time.Now(), guild, user) // the voice server may have ended it
	v.wakeUp()
}

// tell passes on what the voice server said. It is called without the mutex,
// because the server's is taken.
func (v *lvspVoice) tell() (retryAt time.Time) {
	for {
		v.mu.Lock()
		e, ok := v.client.NextEvent()
		v.mu.Unlock()
		if !ok {
			return retryAt
		}
		switch e := e.(type) {
		case lvsp.StateCreated:
			v.created(e)
		case lvsp.StateEnded:
			v.ended(e.State)
		case lvsp.Refused:
			v.refused(e.Err)
		case lvsp.Disconnected:
			retryAt = e.RetryAt
		}
	}
}

// created answers who asked, and tells others only that the voice server does
// not know them any more.
func (v *lvspVoice) created(e lvsp.StateCreated) {
	key := placeKey{e.State.Guild, e.State.User}
	v.mu.Lock()
	j, ok := v.joins[key]
	tell := ok && j.Channel == e.State.Channel && j.SessionID == e.State.SessionID && (v.asked[key] || !e.Known)
	if tell {
		delete(v.asked, key)
	}
	v.mu.Unlock()
	if tell {
		v.srv.AnswerVoice(j, VoiceServer{Endpoint: e.Endpoint, Token: e.Token})
	}
}

// ended takes a bot out of voice.
func (v *lvspVoice) ended(st lvsp.VoiceState) {
	v.mu.Lock()
	j, ok := v.joins[placeKey{st.Guild, st.User}]
	v.mu.Unlock()
	if ok && j.Channel == st.Channel && j.SessionID == st.SessionID {
		_ = v.srv.MoveMember(st.Guild, st.User, 0) // it may have left
	}
}

// refused says that there is no voice server.
func (v *lvspVoice) refused(e *lvsp.RequestError) {
	key := placeKey{e.Guild, e.User}
	v.mu.Lock()
	j, ok := v.joins[key]
	ok = ok && v.asked[key] && e.Request == lvsp.StateCreate && j.Channel == e.Channel
	if ok {
		delete(v.asked, key)
	}
	v.mu.Unlock()
	if ok {
		v.srv.AnswerVoice(j, VoiceServer{})
	}
}

// giveUp says that there is no voice server.
func (v *lvspVoice) giveUp() {
	v.mu.Lock()
	v.over = true
	var waiting []VoiceJoin
	for key := range v.asked {
		waiting = append(waiting, v.joins[key])
	}
	v.mu.Unlock()
	for _, j := range waiting {
		v.srv.AnswerVoice(j, VoiceServer{})
	}
}

// newSecret makes one for a link within the process.
func newSecret() lvsp.Secret {
	b := make([]byte, lvsp.MinSecret)
	_, _ = rand.Read(b)            // never fails
	secret, _ := lvsp.NewSecret(b) // which is long enough
	return secret
}

// admit gives a new voice server a way for us.
func (v *voiceServers) admit(server *voiceserver.Server) (*pipeListener, *voiceserver.LVSP) {
	l := newPipeListener()
	link, err := server.ServeLVSP(l, lvsp.WithBackend(lvsp.Backend{Name: backendName, Secret: v.secret, Dialect: lvsp.Extended}))
	if err != nil { // the server is new, and the secret is ours
		panic(fmt.Sprintf("gatewaytest: %v", err))
	}
	return l, link
}

// dial reaches the voice server that is in service.
func (v *voiceServers) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	v.mu.Lock()
	way := v.current.way
	v.mu.Unlock()
	if way == nil {
		return nil, errNoVoiceServer
	}
	return way.dial(ctx)
}

// forsake ends the calls on a voice server that is not in service any more. The
// one that is hears of all bots when its link is up.
func (s *Server) forsake(old *voiceserver.Server) {
	if s.voice.server() == nil {
		s.do(func(now time.Time, w *world.World) {
			for _, j := range w.Voice() {
				w.AnswerVoice(now, j, world.VoiceServer{})
			}
		})
	}
	if old != nil {
		old.Faults().Close(0, closecode.VoiceCallTerminated)
	}
}
