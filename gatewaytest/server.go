package gatewaytest

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/internal/certificate"
	"github.com/discordpkg/gateway/internal/websocket"
)

// A Server is a local Discord on a port of the loopback interface, for
// end-to-end tests of bots. Its methods are safe for concurrent use.
type Server struct {
	URL        string // of the HTTP API without path: http://127.0.0.1:1234
	GatewayURL string // what GET /gateway says: ws://127.0.0.1:1234
	DialURL    string // GatewayURL with path, version and encoding JSON

	http     *http.Server
	listener net.Listener
	cert     *x509.Certificate
	secure   bool
	voice    *voiceServers  // nil without WithVoiceServer
	lvsp     *lvspVoice     // nil without WithLVSP
	backend  VoiceBackend   // nil: the world answers by itself
	running  sync.WaitGroup // goroutines of connections and generators
	stop     chan struct{}

	mu      sync.Mutex // guards what follows; never held while waiting for a socket
	world   *world.World
	peers   map[*world.Conn]*websocket.Conn
	closed  bool
	changed chan struct{} // closed when something changed, nil while no call waits
}

// NewServer starts a server and returns it. The caller closes it when done.
// It panics if an option has a value that makes no sense, which the text names,
// and if it cannot listen, as there is nothing a test could do then.
func NewServer(options ...Option) *Server {
	cfg, err := newSettings(options)
	must(err)
	l := cfg.listener
	if l == nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
		must(err)
	}
	s := &Server{
		URL:      "http://" + l.Addr().String(),
		listener: l,
		secure:   cfg.secure,
		stop:     make(chan struct{}),
		peers:    make(map[*world.Conn]*websocket.Conn),
	}
	pair := s.certify(cfg)
	if cfg.secure {
		s.URL = "https://" + l.Addr().String()
		s.listener = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}})
	}
	s.startVoice(&cfg, pair)
	s.GatewayURL = "ws" + strings.TrimPrefix(s.URL, "http")
	s.DialURL = s.GatewayURL + "/?encoding=json&v=10"
	if s.backend = cfg.voice; s.backend != nil {
		cfg.rules = append(cfg.rules, world.WithVoiceRequests())
	}
	s.world, err = world.New(append(cfg.rules, world.WithResumeURL(s.GatewayURL+resumePath))...)
	must(err)
	if s.lvsp != nil {
		s.lvsp.run()
	}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	s.running.Go(func() { _ = s.http.Serve(s.listener) }) // returns when closed
	return s
}

// certify makes a certificate if one is needed.
func (s *Server) certify(cfg settings) (pair tls.Certificate) {
	if cfg.secure || cfg.voiceServer != nil {
		var err error
		pair, s.cert, err = certificate.SelfSigned("gatewaytest", time.Now(), s.listener.Addr())
		must(err)
	}
	return pair
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
	close(s.stop)
	for _, p := range s.peers {
		_ = p.Conn.Close()
	}
	s.mu.Unlock()
	_ = s.http.Close()
	if s.lvsp != nil {
		s.lvsp.close()
	}
	if s.voice != nil {
		s.voice.close()
	}
	s.running.Wait()
}

// Certificate returns the certificate of a server made with [WithTLS] or
// [WithVoiceServer], which clients must trust. It is nil otherwise.
func (s *Server) Certificate() *x509.Certificate { return s.cert }

// TLSClientConfig returns a configuration that trusts the server's
// certificate.
func (s *Server) TLSClientConfig() *tls.Config {
	pool := x509.NewCertPool()
	if s.cert != nil {
		pool.AddCert(s.cert)
	}
	return &tls.Config{RootCAs: pool}
}

// do runs f on the world, wakes the connections that got something to send,
// and tells the calls that wait that something may have changed.
func (s *Server) do(f func(now time.Time, w *world.World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(time.Now(), s.world)
	s.serveVoice(time.Now())
	for _, c := range s.world.Ready() {
		if p := s.peers[c]; p != nil {
			p.Follow(time.Now())
		}
	}
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Dispatch sends an event to the sessions it is for, and returns how many they
// are, see [world.World.Dispatch].
func (s *Server) Dispatch(name event.Type, data any, to ...Target) (sessions int, err error) {
	var receivers []*world.Session
	s.do(func(now time.Time, w *world.World) { receivers, err = w.Dispatch(now, name, data, to...) })
	return len(receivers), err
}

// Generate dispatches made up events at a rate per second, see
// [World.Generate], until stop is called or the server is closed. When stop
// returns no more of them come.
func (s *Server) Generate(perSecond float64) (stop func()) {
	if perSecond <= 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	pause := max(time.Duration(float64(time.Second)/perSecond), time.Millisecond)
	s.running.Go(func() {
		defer close(ended)
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for began, sent := time.Now(), 0.0; ; {
			select {
			case <-done:
				return
			case <-s.stop:
				return
			case at := <-ticker.C:
				s.do(func(now time.Time, w *world.World) {
					for owed := at.Sub(began).Seconds() * perSecond; sent+1 <= owed; sent++ {
						w.Generate(now)
					}
				})
			}
		}
	})
	return sync.OnceFunc(func() { close(done); <-ended })
}

// GenerateOne dispatches one made up event and returns its name.
func (s *Server) GenerateOne() (name event.Type) {
	s.do(func(now time.Time, w *world.World) { name = w.Generate(now) })
	return name
}

// Inject makes something go wrong on the connections of the sessions, or of
// all sessions if none are named. It returns an error if one of them has no
// connection; the others are served all the same.
func (s *Server) Inject(f Fault, sessionIDs ...string) (err error) {
	if err := f.Valid(false); err != nil {
		return err
	}
	s.do(func(now time.Time, w *world.World) {
		if len(sessionIDs) == 0 {
			for _, info := range w.Sessions() {
				if info.Conn != 0 {
					sessionIDs = append(sessionIDs, info.ID)
				}
			}
		}
		for _, id := range sessionIDs {
			if e := w.Inject(now, id, f); e != nil {
				err = e
			}
		}
	})
	return err
}

// InjectNext makes something go wrong on each of the next n connections.
func (s *Server) InjectNext(f Fault, n int) (err error) {
	s.do(func(_ time.Time, w *world.World) { err = w.InjectNext(f, n) })
	return err
}

// RequestHeartbeats asks every session's client for a heartbeat (op 1).
//
// https://discord.com/developers/docs/events/gateway#heartbeat-requests
func (s *Server) RequestHeartbeats() {
	s.do(func(now time.Time, w *world.World) {
		w.RequestHeartbeats(now)
	})
}

// Guilds returns the guilds.
func (s *Server) Guilds() []*Guild { s.mu.Lock(); defer s.mu.Unlock(); return s.world.Guilds() }

// Sessions returns the sessions that can be resumed, see [world.World.Sessions].
func (s *Server) Sessions() []SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.Sessions()
}

// Commands returns what clients sent, see [WithRecord].
func (s *Server) Commands() []Command { s.mu.Lock(); defer s.mu.Unlock(); return s.world.Commands() }

// Violations returns how clients broke the rules, see [WithRecord].
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.Violations()
}

// Stats returns the counters.
func (s *Server) Stats() Stats { s.mu.Lock(); defer s.mu.Unlock(); return s.world.Stats() }
