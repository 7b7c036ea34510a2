package voiceserver

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/discordpkg/gateway/internal/websocket"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// An LVSP lets backends drive a [Server] over the Litecord Voice Server
// Protocol, see package lvsp: they say who is in which channel, who is muted,
// and who has to go. Each has ids of its own. Its methods are safe for
// concurrent use.
type LVSP struct {
	srv     *Server
	http    *http.Server
	running sync.WaitGroup // goroutines of links
	gone    chan struct{}  // members did not come back
	done    chan struct{}  // closed by Close

	mu        sync.Mutex // guards what follows; may be held when the server's is taken, never the other way round
	machine   *lvsp.Server
	channels  lvspChannels
	load      loadMeter
	links     map[*lvsp.Link]*websocket.Conn
	timer     *time.Timer // of the machine
	listeners []*guardedListener
	closed    bool
	empty     chan struct{} // closed when the last link is gone
}

// ErrServed reports a second [Server.ServeLVSP].
var ErrServed = errors.New("voiceserver: backends have a way to the server already")

// ServeLVSP admits the backends that [lvsp.WithBackend] names, over the
// connections of l, which it owns from then on. Like those of the server they
// may have TLS, or must, see [WithTLS]. A nil listener is for those who mount
// [LVSP.ServeHTTP], or call [LVSP.Serve] themselves.
//
// A backend that loses its link keeps its members for some minutes, so that
// calls outlive its restart, see [lvsp.WithGrace]. Members whose client lost
// its voice connection, and does not come back for the life of a session, see
// [WithSessionLife], leave, and their backend is told.
//
// The error is [ErrServed], [ErrClosed], or that of an option, and leaves l open.
func (s *Server) ServeLVSP(l net.Listener, options ...lvsp.ServerOption) (*LVSP, error) {
	v := &LVSP{
		srv: s, gone: make(chan struct{}, 1), done: make(chan struct{}),
		channels: make(lvspChannels),
		links:    make(map[*lvsp.Link]*websocket.Conn),
	}
	var err error
	if v.machine, err = lvsp.NewServer(options...); err != nil {
		return nil, fmt.Errorf("voiceserver: %w", err)
	}
	v.timer = time.AfterFunc(time.Hour, func() { v.do(v.machine.HandleTimeout) })
	v.http = &http.Server{
		Handler:        v,
		ReadTimeout:    s.rules.LoginTimeout(),
		WriteTimeout:   s.rules.LoginTimeout(),
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       quiet(s.cfg.logger),
	}
	v.http.SetKeepAlivesEnabled(false)
	if err := s.adopt(v); err != nil {
		v.timer.Stop()
		return nil, err
	}
	if l != nil {
		v.running.Go(func() { _ = v.Serve(l) }) // returns when closed
	}
	return v, nil
}

// adopt makes the server report who is gone.
func (s *Server) adopt(v *LVSP) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.lvsp != nil:
		return ErrServed
	}
	s.lvsp = v
	s.rules.WatchAbsence()
	v.running.Go(v.reap)
	return nil
}

// Serve admits backends over the connections of l too, which it owns from then
// on, until Close is called. It returns an error, always.
func (v *LVSP) Serve(l net.Listener) error {
	d, err := v.srv.guard(l, maxLVSPConns)
	if err != nil {
		_ = l.Close()
		return err
	}
	d.config = v.srv.listener.config
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		_ = l.Close()
		return ErrClosed
	}
	v.listeners = append(v.listeners, d)
	v.mu.Unlock()
	return v.http.Serve(d)
}

// maxLVSPConns is more than the links that the protocol allows.
const maxLVSPConns = 4096

// Close tells every backend that the voice server goes away, and returns when
// the links are over, after some seconds at most. The members stay. Further
// calls do nothing. [Server.Close] does it, too.
func (v *LVSP) Close() {
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		return
	}
	v.closed = true
	v.timer.Stop()
	listeners, empty := v.listeners, make(chan struct{})
	v.empty = empty
	v.unlinked()
	v.mu.Unlock()
	for _, d := range listeners {
		_ = d.Listener.Close()
	}
	v.do(func(now time.Time) { v.machine.Close(now, "the voice server goes away") })
	limit := time.NewTimer(2 * websocket.CloseWait)
	defer limit.Stop()
	select {
	case <-empty:
	case <-limit.C:
	}
	for _, d := range listeners {
		d.cut()
	}
	v.cut()
	_ = v.http.Close()
	close(v.done)
	v.running.Wait()
}

// cut breaks the links that would not end.
func (v *LVSP) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range v.links {
		_ = l.Conn.Close()
	}
}

// unlinked tells Close that no link is left. The caller holds the mutex.
func (v *LVSP) unlinked() {
	if v.empty != nil && len(v.links) == 0 {
		close(v.empty)
		v.empty = nil
	}
}

// do runs f on the machine, does what that wants done, and wakes the links that
// got something to send.
func (v *LVSP) do(f func(now time.Time)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.machine.SetHealth(v.load.health(time.Now(), v.srv))
	f(time.Now())
	for t, ok := v.machine.NextTask(); ok; t, ok = v.machine.NextTask() {
		v.perform(time.Now(), t)
	}
	for _, link := range v.machine.Ready() {
		if l := v.links[link]; l != nil {
			l.Follow(time.Now())
		}
	}
	if at := v.machine.NextDeadline(); !at.IsZero() && !v.closed {
		v.timer.Reset(time.Until(at))
	}
}

// notice is told that members may be gone. The caller holds the server's mutex.
func (v *LVSP) notice() {
	select {
	case v.gone <- struct{}{}:
	default:
	}
}

// reap removes members who are gone, and tells their backends.
func (v *LVSP) reap() {
	for {
		select {
		case <-v.done:
			return
		case <-v.gone:
		}
		v.do(func(now time.Time) {
			for _, m := range v.srv.reap() {
				v.srv.cfg.logger.Info("member is gone", "backend", m.Backend, "guild", m.Guild, "channel", m.Channel, "user", m.User)
				v.machine.EndVoiceState(now, voiceState(m))
			}
		})
	}
}

// reap removes the members of backends that are gone, and returns them.
func (s *Server) reap() (gone []Member) {
	s.do(func(now time.Time, v *signaling.Server) { gone = v.RemoveAbsent(now) })
	return gone
}

// VoiceStates returns who is in which channel as backends want it, see
// [lvsp.Server.VoiceStates].
func (v *LVSP) VoiceStates() []lvsp.VoiceState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.machine.VoiceStates()
}

// An LVSPLink is a link with a backend, see [LVSP.Links].
type LVSPLink struct {
	Backend string // empty while it has not identified itself
	Dialect lvsp.Dialect
	Remote  string // address
}

// Links returns the links that are open, ordered by backend.
func (v *LVSP) Links() []LVSPLink {
	v.mu.Lock()
	defer v.mu.Unlock()
	var links []LVSPLink
	for link, l := range v.links {
		name, dialect, _ := link.Backend()
		links = append(links, LVSPLink{name, dialect, l.Conn.RemoteAddr().String()})
	}
	slices.SortFunc(links, func(a, b LVSPLink) int {
		return cmp.Or(cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Remote, b.Remote))
	})
	return links
}
