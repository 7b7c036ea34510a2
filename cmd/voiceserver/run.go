package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver"
)

// The exit statuses.
const (
	exitOK = iota
	exitWrong
	exitUsage
)

// run is the program but for the process: it serves until ctx ends, and
// returns the exit status.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	o, err := parseOptions(args, lookup)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "voiceserver: %v (see voiceserver -help)\n", err)
		return exitUsage
	}
	p := &program{o: o, log: slog.New(o.handler(stderr))}
	if err := p.serve(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "voiceserver: %v\n", err)
		return exitWrong
	}
	return exitOK
}

func (o *options) handler(w io.Writer) slog.Handler {
	h := &slog.HandlerOptions{Level: o.level}
	if o.json {
		return slog.NewJSONHandler(w, h)
	}
	return slog.NewTextHandler(w, h)
}

// A program is what runs.
type program struct {
	o    *options
	log  *slog.Logger
	srv  *voiceserver.Server
	lvsp net.Listener
	text string // says where everything is
}

func (p *program) serve(ctx context.Context, stdout io.Writer) error {
	backends, key, err := p.o.secrets()
	if err != nil {
		return err
	}
	if err := p.start(backends, key); err != nil {
		return err
	}
	defer p.srv.Close()
	var serving sync.WaitGroup
	defer serving.Wait()
	if p.o.metrics != "" {
		l, err := net.Listen("tcp", loopback(p.o.metrics))
		if err != nil {
			return err
		}
		web := &http.Server{
			Handler: p.handler(ctx), MaxHeaderBytes: 16 << 10,
			ReadTimeout: webTimeout, WriteTimeout: webTimeout, IdleTimeout: webTimeout,
		}
		serving.Go(func() { _ = web.Serve(l) }) // returns when closed
		defer web.Close()
		p.text += "metrics=http://" + l.Addr().String() + "/metrics\n"
	}
	if _, err := io.WriteString(stdout, p.text); err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(p.o.udp); p.o.address == nil && host == "" {
		p.log.Warn("clients are told to send audio to 127.0.0.1, see -address")
	}
	p.log.Info("serving", "voice", p.srv.Endpoint(), "lvsp", p.lvsp.Addr().String(), "backends", len(backends))
	<-ctx.Done()
	return p.stop()
}

// start starts the server, and lets the backends in.
func (p *program) start(backends []lvsp.Backend, key lvsp.TokenKey) error {
	options, err := p.options(key)
	if err != nil {
		return err
	}
	sockets, err := p.o.sockets()
	if err != nil {
		return err
	}
	if p.srv, err = voiceserver.Listen(p.o.listen, append(options, voiceserver.WithPacketConns(sockets...))...); err != nil {
		closeAll(sockets)
		return err
	}
	if err := p.admit(backends); err != nil {
		p.srv.Close()
		return err
	}
	return nil
}

func (p *program) admit(backends []lvsp.Backend) (err error) {
	if p.lvsp, err = net.Listen("tcp", p.o.lvsp); err != nil {
		return err
	}
	var options []lvsp.ServerOption
	for _, b := range backends {
		options = append(options, lvsp.WithBackend(b))
	}
	if p.o.inSeconds {
		options = append(options, lvsp.WithHelloSeconds())
	}
	if _, err := p.srv.ServeLVSP(p.lvsp, options...); err != nil {
		_ = p.lvsp.Close()
		return err
	}
	scheme := "wss"
	if p.o.withoutTLS {
		scheme = "ws"
	}
	p.text = fmt.Sprintf("voice=%[1]s://%[2]s\nlvsp=%[1]s://%[3]s\n", scheme, p.srv.Endpoint(), reachable(p.lvsp.Addr()))
	if p.o.ca != "" {
		p.text += "ca=" + p.o.ca + "\n"
		return writeCertificate(p.o.ca, p.srv.Certificate())
	}
	return nil
}

// reachable is an address that can be dialed from this machine.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return addr.String()
}

// webTimeout bounds what a request for metrics takes, and how long a connection
// without one stays.
const webTimeout = 10 * time.Second

// loopback returns an address to listen on: of this machine only, unless it
// names a host. An empty host, as in ":9090", would be reachable from anywhere.
func loopback(address string) string {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// handler serves the metrics, and says whether the server is ready.
func (p *program) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.srv.MetricsHandler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if ctx.Err() != nil {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}

// stop drains the server.
func (p *program) stop() error {
	p.log.Info("draining", "connections", p.srv.Stats().Open, "limit", p.o.drain)
	ctx, cancel := context.WithTimeout(context.Background(), p.o.drain)
	defer cancel()
	if err := p.srv.Drain(ctx); err != nil {
		p.log.Warn("not drained", "error", err)
	}
	s := p.srv.Stats()
	p.log.Info("stopped", "connections", s.Connections, "identifies", s.Identifies, "resumes", s.Resumes,
		"forwarded", s.Relay.Forwarded, "violations", s.Violations)
	return nil
}
