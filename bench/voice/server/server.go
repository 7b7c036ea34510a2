// Package server is what voice clients are measured against: the least of a
// voice server that all of them can talk to, old protocols included, and as
// much of a main gateway as discordgo needs to get there. It takes whatever
// they send, and says whatever it is told to.
package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// A Server is a running one.
type Server struct {
	http  *httptest.Server
	media *net.UDPConn
	ended sync.WaitGroup
	ssrc  atomic.Uint32 // the last one that was given away
	last  *client       // that asked for its address; the goroutine's that reads datagrams

	ears sync.Mutex // held while the server is deaf
	deaf bool       // guarded by turn
	turn sync.Mutex

	mu      sync.Mutex // guards what follows
	conns   map[net.Conn]struct{}
	clients map[uint32]*client // by SSRC
	closed  bool
}

// New starts a server on the loopback interface.
func New() (*Server, error) {
	media, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s := &Server{media: media, conns: make(map[net.Conn]struct{}), clients: make(map[uint32]*client)}
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.serveVoice)
	mux.HandleFunc("/main", s.serveMain)
	mux.HandleFunc("/main/", s.serveMain) // discordgo adds a slash
	mux.HandleFunc("/gateway", s.serveURL)
	mux.HandleFunc("/deaf", func(http.ResponseWriter, *http.Request) { s.SetDeaf(true) })
	s.http = httptest.NewTLSServer(mux)
	s.ended.Go(s.listen)
	return s, nil
}

// Close ends everything.
func (s *Server) Close() {
	s.SetDeaf(false)
	_ = s.media.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.http.Close()
	s.ended.Wait()
}

// SetDeaf makes the server leave datagrams where they are, so that it takes no
// part of the processor: the system drops those for which there is no room.
func (s *Server) SetDeaf(deaf bool) {
	s.turn.Lock()
	defer s.turn.Unlock()
	switch {
	case deaf && !s.deaf:
		s.ears.Lock()
	case !deaf && s.deaf:
		s.ears.Unlock()
	}
	s.deaf = deaf
}

// Deaf reports whether the server is deaf, and has nothing to do therefore.
func (s *Server) Deaf() bool {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.deaf
}

// keep remembers a connection until it is dropped, and reports whether the
// server still runs.
func (s *Server) keep(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[c] = struct{}{}
	}
	return !s.closed
}

func (s *Server) drop(c net.Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	_ = c.Close()
}

// An Address is where a server is, for other processes.
type Address struct {
	Host  string // of websockets, with TLS, and with the port
	Media string // of datagrams
	Roots string // PEM
}

// Address returns where the server is.
func (s *Server) Address() Address {
	return Address{
		Host:  s.http.Listener.Addr().String(),
		Media: s.media.LocalAddr().String(),
		Roots: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})),
	}
}

// TLS returns a configuration that trusts the server.
func (a Address) TLS() (*tls.Config, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(a.Roots)) {
		return nil, errors.New("server: no certificate")
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// Deafen makes the server deaf, see [Server.SetDeaf].
func (a Address) Deafen(ctx context.Context) error {
	config, err := a.TLS()
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+a.Host+"/deaf", http.NoBody)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}
