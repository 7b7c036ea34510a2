package gatewayshard

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/redact"
)

// Dial opens a websocket and returns it, which is for information only: the
// shard reads and writes it. Call [Shard.EventLoop] next.
//
// The URL is that of GET /gateway/bot with the version and encoding, see
// [gateway.ValidateDialURL]; empty means the one of [gateway.WithURL]. The
// encoding and compression of the options replace those of the URL. While
// there is a session to resume, Dial goes to the URL that Discord gave for
// resuming, and to the ordinary one when that does not work.
//
// It returns [ErrConnected] while there is a connection, and [ErrClosed] after
// [Shard.Close].
func (s *Shard) Dial(ctx context.Context, dialURL string) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	targets, err := s.beginDial(dialURL, cancel)
	if err != nil {
		return nil, err
	}
	for i, target := range targets {
		conn, early, dialErr := s.config.dial(ctx, target, s.token())
		if err = dialErr; err == nil {
			return s.connected(conn, early, target, i == 0 && len(targets) > 1)
		}
		if ctx.Err() != nil {
			break
		}
		if i+1 < len(targets) {
			s.log.Warn("resume url does not work, trying the ordinary one", "err", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelDial = nil
	s.stats.LastError = err
	if s.closed {
		return nil, ErrClosed
	}
	return nil, err
}

// beginDial reserves the shard for one Dial, and returns the URLs to try.
func (s *Shard) beginDial(dialURL string, cancel context.CancelCauseFunc) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.cancelDial != nil || s.conn != nil:
		return nil, ErrConnected
	}
	if dialURL != "" && dialURL != s.url {
		if _, err := gateway.ValidateDialURL(dialURL); err != nil {
			return nil, err
		}
		s.url, s.spent = dialURL, true
	}
	if s.spent {
		if err := s.renew(); err != nil {
			return nil, err
		}
	}
	s.cancelDial = cancel
	ordinary := s.state.URL()
	if resume := s.state.DialURL(); resume != ordinary && !s.avoid {
		return []string{resume, ordinary}, nil
	}
	return []string{ordinary}, nil
}

func (s *Shard) connected(conn net.Conn, early []byte, target string, resumeURL bool) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelDial = nil
	if s.closed {
		_ = conn.Close()
		return nil, ErrClosed
	}
	u, _ := url.Parse(target)
	binary := u.Query().Get("encoding") != "json"
	s.conn = s.newConnection(conn, early, binary, resumeURL)
	s.spent = true
	s.stats.Connections++
	return conn, nil
}

// dial opens a websocket, and returns the bytes that followed the handshake as well.
// Errors do not show the token, which the server may know from an earlier connection.
func (c Config) dial(ctx context.Context, target, token string) (conn net.Conn, early []byte, err error) {
	leave, err := c.DialBound.enter(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("gatewayshard: dial %s: %w", redacted(target), err)
	}
	defer leave()
	ctx, cancel := context.WithTimeoutCause(ctx, c.DialTimeout,
		fmt.Errorf("%w after %v", context.DeadlineExceeded, c.DialTimeout))
	defer cancel()
	var answer string
	dialer := ws.Dialer{
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.throughProxy(ctx, network, addr, target)
		},
		TLSClient: c.tlsClient,
		Header:    ws.HandshakeHeaderHTTP(c.Header),
		OnStatusError: func(_ int, _ []byte, response io.Reader) {
			answer = explanation(response, token)
		},
	}
	conn, early, err = frame.Dial(ctx, dialer, target)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, nil, fmt.Errorf("gatewayshard: dial %s: %w%s", redacted(target), err, answer)
	}
	return conn, early, nil
}

// maxAnswer is how much of an answer that is no websocket is looked at.
const maxAnswer = 4 << 10

// maxExplanation is how many bytes of it become part of an error.
const maxExplanation = 200

// explanation returns the beginning of an HTTP response's body, where servers
// say what they mean, without the token.
func explanation(response io.Reader, token string) string {
	r, err := http.ReadResponse(bufio.NewReader(io.LimitReader(response, maxAnswer)), nil)
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body) // of at most maxAnswer
	text := strings.TrimSpace(redact.Text(string(body), token))
	if text == "" {
		return ""
	}
	return fmt.Sprintf(": %q", text[:min(len(text), maxExplanation)])
}

func (c Config) tlsClient(conn net.Conn, hostname string) net.Conn {
	return frame.TLSClient(conn, c.TLS, hostname)
}

// redacted returns a URL for people, without user and query.
func redacted(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(invalid url)"
	}
	return u.Scheme + "://" + u.Host + u.Path
}
