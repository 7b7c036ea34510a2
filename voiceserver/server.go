package voiceserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/websocket"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A Server is a voice server on sockets. Its methods are safe for concurrent
// use, and do not wait for the network unless they say so.
type Server struct {
	cfg      settings
	http     *http.Server
	listener *guardedListener
	cert     *x509.Certificate // of its own making, or nil
	ports    []*port
	running  sync.WaitGroup // goroutines of connections and sockets

	mu       sync.Mutex // guards what follows; may be held when a port's is taken, never the other way round
	rules    *signaling.Server
	peers    map[*signaling.Conn]*websocket.Conn
	timer    *time.Timer // of rules
	draining bool
	closed   bool
	gone     chan struct{} // closed when the last peer is gone, nil while no call waits
	lvsp     *LVSP         // nil: no backends
}

// New starts a server. The caller closes it when done.
func New(options ...Option) (*Server, error) {
	s := &Server{peers: make(map[*signaling.Conn]*websocket.Conn)}
	if err := s.configure(options); err != nil {
		s.release()
		return nil, err
	}
	s.timer = time.AfterFunc(time.Hour, func() {
		s.do(func(now time.Time, v *signaling.Server) { v.HandleTimeout(now) })
	})
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serveVoice),
		// Of the whole request, too: a body that never comes would be waited for.
		ReadTimeout:    s.rules.LoginTimeout(),
		WriteTimeout:   s.rules.LoginTimeout(),
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       quiet(s.cfg.logger),
	}
	s.http.SetKeepAlivesEnabled(false)                    // who asks for something else has no business here
	s.running.Go(func() { _ = s.http.Serve(s.listener) }) // returns when closed
	for _, p := range s.ports {
		s.running.Go(func() { p.serve(s) })
	}
	return s, nil
}

// configure opens the sockets, and makes the machines.
func (s *Server) configure(options []Option) (err error) {
	if s.cfg, err = newSettings(options); err == nil {
		err = s.listen()
	} else {
		closeAll(s.cfg.sockets)
		if s.cfg.listener != nil {
			_ = s.cfg.listener.Close()
		}
	}
	if err != nil {
		return err
	}
	addrs := make([]netip.AddrPort, len(s.ports))
	for i, p := range s.ports {
		addrs[i] = p.public
	}
	s.rules, err = signaling.New(addrs, s.cfg.rules...)
	return err
}

// Listen starts a server on a TCP address such as ":4443", and on UDP ports of
// the same host that the system chooses.
func Listen(address string, options ...Option) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("voiceserver: %w", err)
	}
	return New(append([]Option{WithListener(l)}, options...)...)
}

// Close cuts every connection, and returns when all goroutines of the server
// have ended. Further calls do nothing.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.timer.Stop()
	backends := s.lvsp
	s.mu.Unlock()
	if backends != nil {
		backends.Close()
	}
	s.release()
	s.listener.cut()
	_ = s.http.Close()
	s.running.Wait()
}

// release closes the sockets.
func (s *Server) release() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for _, p := range s.ports {
		p.close()
	}
}

// Drain refuses new connections with HTTP status 503 and closes those that are
// there with 4015, so that clients ask for another server. Backends are told
// before, see [LVSP.Close], so that they look for another one, too. It returns
// when the clients are gone, or with an error when ctx ends. The server must be
// closed nevertheless.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	backends := s.lvsp
	s.mu.Unlock()
	if backends != nil {
		backends.Close()
	}
	var gone chan struct{}
	s.do(func(now time.Time, v *signaling.Server) {
		v.Close(now, 0, closecode.VoiceServerCrashed)
		if s.gone == nil {
			s.gone = make(chan struct{})
		}
		gone = s.gone
		s.left()
	})
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("voiceserver: drain: %w", context.Cause(ctx))
	}
}

// left tells the calls that wait when no connection is left. The caller holds the
// mutex.
func (s *Server) left() {
	if s.gone != nil && len(s.peers) == 0 {
		close(s.gone)
		s.gone = nil
	}
}

// Endpoint returns the host and port that clients connect to, as in
// VOICE_SERVER_UPDATE.
func (s *Server) Endpoint() string {
	if s.cfg.endpoint != "" {
		return s.cfg.endpoint
	}
	addr := s.listener.Addr().String()
	if a, err := netip.ParseAddrPort(addr); err == nil && a.Addr().IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(int(a.Port())))
	}
	return addr
}

// Certificate returns the certificate that the server made for itself, which
// clients must trust. It is nil if the server was given one, or does without.
func (s *Server) Certificate() *x509.Certificate { return s.cert }

// TLSClientConfig returns a configuration that trusts the server's certificate.
func (s *Server) TLSClientConfig() *tls.Config {
	if s.cert == nil {
		return &tls.Config{}
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.cert)
	return &tls.Config{RootCAs: pool}
}

// do runs f on the rules, tells the relays, and wakes the connections that got
// something to send.
func (s *Server) do(f func(now time.Time, v *signaling.Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(time.Now(), s.rules)
	for _, route := range s.rules.Routes() {
		if err := s.ports[route.Port].apply(route); err != nil {
			s.cfg.logger.Error("voice route", "error", err)
		}
	}
	for _, c := range s.rules.Ready() {
		if p := s.peers[c]; p != nil {
			p.Follow(time.Now())
		}
	}
	if s.lvsp != nil && s.rules.Absent() {
		s.lvsp.notice()
	}
	if at := s.rules.NextDeadline(); !at.IsZero() && !s.closed {
		s.timer.Reset(time.Until(at))
	}
}

// Join admits a member, see [signaling.Server.Join], and returns where its client goes:
// the endpoint and the token that it must show there.
func (s *Server) Join(m Member) (endpoint, token string, err error) {
	s.do(func(now time.Time, v *signaling.Server) {
		if s.closed || s.draining {
			err = ErrClosed
			return
		}
		token, err = v.Join(now, m)
	})
	if err != nil {
		return "", "", err
	}
	return s.Endpoint(), token, nil
}

// Move puts a user into another channel of the guild, see [signaling.Server.Join]. The
// client gets close code 4014, and comes back with the new token. The error is
// [ErrNoMember], or one of Join.
func (s *Server) Move(guild, user, channel snowflake.ID) (endpoint, token string, err error) {
	s.do(func(now time.Time, v *signaling.Server) {
		m, ok := v.Member(guild, user)
		switch {
		case s.closed || s.draining:
			err = ErrClosed
			return
		case !ok:
			err = ErrNoMember
			return
		}
		m.Channel = channel
		if token, err = v.Join(now, m); err == nil && m.Guild == 0 && channel != guild {
			v.Leave(now, guild, user) // a call without guild is a place of its own
		}
	})
	if err != nil {
		return "", "", err
	}
	return s.Endpoint(), token, nil
}

// Leave removes a member, see [signaling.Server.Leave].
func (s *Server) Leave(guild, user snowflake.ID) {
	s.do(func(now time.Time, v *signaling.Server) { v.Leave(now, guild, user) })
}

// Kick removes a member against its will, and reports whether there was one.
// The client gets close code 4014.
func (s *Server) Kick(guild, user snowflake.ID) (kicked bool) {
	s.do(func(now time.Time, v *signaling.Server) {
		_, kicked = v.Member(guild, user)
		v.Leave(now, guild, user)
	})
	return kicked
}

// Destroy removes all members of a channel, see [signaling.Server.Destroy].
func (s *Server) Destroy(guild, channel snowflake.ID) {
	s.do(func(now time.Time, v *signaling.Server) { v.Destroy(now, guild, channel) })
}

// SetBitrate limits what each member of a channel sends, see [signaling.Server.SetBitrate].
func (s *Server) SetBitrate(channel snowflake.ID, bitsPerSecond int) (ok bool) {
	s.do(func(_ time.Time, v *signaling.Server) { ok = v.SetBitrate(channel, bitsPerSecond) })
	return ok
}

// SetState says what a member may not do, see [signaling.Server.SetState].
func (s *Server) SetState(guild, user snowflake.ID, state MemberState) (err error) {
	s.do(func(_ time.Time, v *signaling.Server) { err = v.SetState(guild, user, state) })
	return err
}

// Members returns who is in a channel, see [signaling.Server.Members].
func (s *Server) Members(channel snowflake.ID) []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rules.Members(channel)
}

// Violations returns how clients broke the rules, see [WithRecord].
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rules.Violations()
}

// Stats are the counters of a server: of its websockets, and of its datagrams.
type Stats struct {
	signaling.Stats
	Relay RelayStats `json:"relay"` // of all sockets
}

// Stats returns the counters.
func (s *Server) Stats() (stats Stats) {
	s.mu.Lock()
	stats.Stats = s.rules.Stats()
	s.mu.Unlock()
	for _, p := range s.ports {
		stats.Relay.Add(p.stats())
	}
	return stats
}

// ErrClosed reports a server that was closed, or drains.
var ErrClosed = errors.New("voiceserver: the server is closed")

var errNoAddress = errors.New("voiceserver: the address of a packet conn is not that of a UDP socket")
