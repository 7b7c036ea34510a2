// Package feed is the other end of a comparison: a gateway that says Hello,
// waits for an identify, and then writes made-up events as fast as they are
// read. Everything is encoded and compressed before it is needed, once for all
// connections.
package feed

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/gobwas/ws"
)

// An Address is where a server listens.
type Address struct {
	Plain       string // host and port
	TLS         string
	Certificate string // PEM, of the authority behind TLS
}

// A Server feeds any number of connections. Its paths are the names of plans,
// and /gateway.
type Server struct {
	plans map[string]Plan

	mu      sync.Mutex // guards scripts
	scripts map[part]func() (script, error)
}

// A part is one plan over one wire.
type part struct {
	plan string
	wire Wire
}

// NewServer returns a server of plans by name.
func NewServer(plans map[string]Plan) *Server {
	return &Server{plans: plans, scripts: make(map[part]func() (script, error))}
}

// Listen serves a plain and a TLS listener on the loopback interface until
// ctx ends, when stop returns nil.
func (s *Server) Listen(ctx context.Context) (at Address, stop func() error, err error) {
	certificate, authority, err := certify()
	if err != nil {
		return at, nil, err
	}
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return at, nil, err
	}
	secure, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return at, nil, errors.Join(err, plain.Close())
	}
	server := &http.Server{Handler: s}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(plain) }()
	go func() {
		ended <- server.Serve(tls.NewListener(secure, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	}()
	stop = func() error {
		<-ctx.Done()
		err := server.Close()
		for range 2 {
			if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
				err = errors.Join(err, e)
			}
		}
		return err
	}
	return Address{plain.Addr().String(), secure.Addr().String(), authority}, stop, nil
}

// ServeHTTP tells those who ask at /gateway the URL that they came with, and
// feeds those who come to a plan.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/gateway" {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"url": r.URL.Query().Get("url")})
		return
	}
	name := strings.Trim(r.URL.Path, "/")
	if _, ok := s.plans[name]; !ok {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	conn, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	if err := s.feed(conn, rw.Reader, part{name, Wire{q.Get("encoding"), q.Get("compress")}}); err != nil {
		log.Print(err)
	}
}

// script returns what to write, made by the first who asks.
func (s *Server) script(p part) (script, error) {
	s.mu.Lock()
	written, ok := s.scripts[p]
	if !ok {
		written = sync.OnceValues(func() (script, error) { return p.wire.write(s.plans[p.plan]) })
		s.scripts[p] = written
	}
	s.mu.Unlock()
	return written()
}
