package gatewayshard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/redact"
	"github.com/discordpkg/gateway/lifecycle"
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
// It returns [ErrConnected] while there is a connection, or Run runs, and
// [ErrClosed] after [Shard.Close].
func (s *Shard) Dial(ctx context.Context, dialURL string) (net.Conn, error) {
	if err := s.prepareDial(dialURL); err != nil {
		return nil, err
	}
	if err := s.permitted(); err != nil {
		return nil, err
	}
	for {
		if err := s.grant(); err != nil {
			return nil, err
		}
		conn, err := s.open(ctx)
		if err == nil || s.decision().Do != lifecycle.ShardAsk {
			return conn, err
		}
	}
}

// prepareDial makes a state for a connection that the caller's own loop wants.
func (s *Shard) prepareDial(dialURL string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.running, s.cancelDial != nil, s.conn != nil:
		return ErrConnected
	}
	if dialURL != "" && dialURL != s.url {
		if _, err := gateway.ValidateDialURL(dialURL); err != nil {
			return err
		}
		s.url, s.spent = dialURL, true
	}
	if s.spent {
		return s.renew()
	}
	return nil
}

// grant lets the machine dial at once, whatever it waits for.
func (s *Shard) grant() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for s.life.Phase() != lifecycle.ShardAsking {
		if s.life.Start(now) != nil {
			return ErrConnected // another call dials
		}
	}
	return s.life.Granted(now, lifecycle.Grant{})
}

// open opens the websocket that the machine wants, and tells it what happened.
func (s *Shard) open(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	target, limit, err := s.beginDial(cancel)
	if err != nil {
		return nil, err
	}
	s.tellPhase()
	defer s.tellPhase() // when mu is let go of
	conn, early, err := s.config.dial(ctx, target, s.token(), limit, s.stillGood)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelDial = nil
	switch {
	case s.closed && err == nil:
		_ = conn.Close()
		return nil, ErrClosed
	case s.closed:
		return nil, ErrClosed
	case err == nil:
		u, _ := url.Parse(target)
		s.conn = s.newConnection(conn, early, u.Query().Get("encoding") != "json")
		s.spent = true
		s.stats.Connections++
		s.shared.dialed(lifecycle.HostOf(target))
		return conn, nil
	}
	s.dialFailed(target, err, ctx.Err() != nil)
	return nil, err
}

// beginDial reserves the shard for one dial, and returns where to.
func (s *Shard) beginDial(cancel context.CancelCauseFunc) (target string, limit time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return "", 0, ErrClosed
	case s.cancelDial != nil, s.conn != nil:
		return "", 0, ErrConnected
	}
	s.cancelDial = cancel
	s.reportRefusedURL()
	d := s.life.Decision()
	if d.AtResumeURL {
		return s.state.DialURL(), d.Limit, nil
	}
	return s.state.URL(), d.Limit, nil
}

// errHostDown is a resume host that other shards have found down meanwhile.
var errHostDown = errors.New("the host does not answer, as other shards have found")

// stillGood is asked when the shard has its place among those that dial: many
// may have waited for one while the first found the resume host down.
func (s *Shard) stillGood(target string) error {
	s.mu.Lock()
	resume := s.life.Decision().AtResumeURL
	s.mu.Unlock()
	if resume && s.shared.isDown(time.Now(), lifecycle.HostOf(target)) {
		return errHostDown
	}
	return nil
}

// reportRefusedURL logs, once for each session, that its resume URL is not used.
func (s *Shard) reportRefusedURL() {
	err := s.state.ResumeURLRefused()
	if id := s.state.SessionID(); err != nil && s.refused != id {
		s.refused = id
		s.log.Warn("resume url is not used", "err", err, "session", id)
	}
}

// dialFailed tells the machine, unless the caller gave up. The caller holds mu.
func (s *Shard) dialFailed(target string, err error, givenUp bool) {
	s.stats.LastError = err
	now := time.Now()
	if givenUp {
		_ = s.life.Stop(now, err)
		return
	}
	failure, host := lifecycle.DialFailure{Err: err}, lifecycle.HostFailure{}
	var refused *RefusedError
	if errors.As(err, &refused) {
		failure.RetryAfter = refused.RetryAfter
		host = lifecycle.HostFailure{Status: refused.Status, RetryAfter: refused.RetryAfter}
	}
	if !errors.Is(err, errHostDown) {
		s.shared.dialFailed(now, s.id, lifecycle.HostOf(target), host)
	}
	_ = s.life.DialFailed(now, failure)
	if s.life.Phase() == lifecycle.ShardAsking {
		s.log.Warn("resume url does not work, trying the ordinary one", "err", err)
	}
}

// dial opens a websocket, and returns the bytes that followed the handshake as well.
// Errors do not show the token, which the server may know from an earlier connection.
func (c Config) dial(ctx context.Context, target, token string, limit time.Duration, check func(string) error) (conn net.Conn, early []byte, err error) {
	leave, err := c.DialBound.enter(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("gatewayshard: dial %s: %w", redacted(target), err)
	}
	defer leave()
	if err := check(target); err != nil {
		return nil, nil, fmt.Errorf("gatewayshard: dial %s: %w", redacted(target), err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w after %v", context.DeadlineExceeded, limit))
	defer cancel()
	var answer string
	var refused RefusedError
	dialer := ws.Dialer{
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.throughProxy(ctx, network, addr, target)
		},
		TLSClient: c.tlsClient,
		Header:    ws.HandshakeHeaderHTTP(c.Header),
		OnStatusError: func(status int, _ []byte, response io.Reader) {
			refused.Status = status
			answer, refused.RetryAfter = explanation(response, token)
		},
	}
	conn, early, err = frame.Dial(ctx, dialer, target)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		err = fmt.Errorf("gatewayshard: dial %s: %w%s", redacted(target), err, answer)
		if refused.Err = err; refused.Status != 0 {
			err = &refused
		}
		return nil, nil, err
	}
	return conn, early, nil
}

// maxAnswer is how much of an answer that is no websocket is looked at.
const maxAnswer = 4 << 10

// maxExplanation is how many bytes of it become part of an error.
const maxExplanation = 200

// explanation returns the beginning of an HTTP response's body, where servers
// say what they mean, without the token, and how long they ask to wait.
func explanation(response io.Reader, token string) (text string, retryAfter time.Duration) {
	r, err := http.ReadResponse(bufio.NewReader(io.LimitReader(response, maxAnswer)), nil)
	if err != nil {
		return "", 0
	}
	defer r.Body.Close()
	retryAfter, _ = lifecycle.RetryAfter(r.Header.Get("Retry-After"), time.Now())
	body, _ := io.ReadAll(r.Body) // of at most maxAnswer
	if text = strings.TrimSpace(redact.Text(string(body), token)); text != "" {
		text = fmt.Sprintf(": %q", text[:min(len(text), maxExplanation)])
	}
	return text, retryAfter
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

// A DialBound is how many websockets may be opened at the same time, over all
// shards whose [Config] has it. It is safe for concurrent use.
type DialBound struct{ slots chan struct{} }

// NewDialBound returns a bound of n, which is at least 1. A place is held from
// the first packet to the end of the websocket handshake.
func NewDialBound(n int) (*DialBound, error) {
	if n < 1 {
		return nil, fmt.Errorf("gatewayshard: a bound of %d dials lets no shard connect", n)
	}
	return &DialBound{make(chan struct{}, n)}, nil
}

// enter waits for a place, but not longer than for ctx. Without a bound (nil)
// there is always one.
func (b *DialBound) enter(ctx context.Context) (leave func(), err error) {
	if b == nil {
		return func() {}, nil
	}
	select {
	case b.slots <- struct{}{}:
		return func() { <-b.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
