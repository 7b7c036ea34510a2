package gatewayshard

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/ratelimit"
)

func run(ctx context.Context, s *Shard) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return done
}

func TestRunResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var got []string
		s := testShard(t, n, record(&got))
		ctx, cancel := context.WithCancelCause(t.Context())
		done := run(ctx, s)
		p := <-n.peers
		p.serve()
		p.event(2)
		p.nc.Close()

		p = <-n.peers
		p.hello(time.Minute)
		require.JSONEq(t, `{"token":"token","session_id":"abc","seq":2}`, string(p.expect(6).Data))
		p.event(3)
		p.send(`{"op":0,"s":4,"t":"RESUMED","d":{}}`)
		p.closeWith(4009) // the session is tried, and gone
		p.drain()
		p = <-n.peers
		p.hello(time.Minute)
		require.JSONEq(t, `{"token":"token","session_id":"abc","seq":4}`, string(p.expect(6).Data))
		p.closeWith(4009)
		p.drain()

		p = <-n.peers
		p.serve()
		synctest.Wait()
		require.Len(t, got, 5)
		stats := s.Stats()
		require.Equal(t, uint64(4), stats.Connections)
		require.Equal(t, uint64(3), stats.Reconnects)
		require.Equal(t, uint64(2), stats.Identifies)
		require.Equal(t, uint64(1), stats.Resumes)
		require.Equal(t, closecode.SessionTimedOut, stats.LastClose)
		require.Equal(t, "abc", stats.SessionID)
		require.False(t, stats.ConnectedAt.IsZero())

		enough := errors.New("enough")
		cancel(enough)
		require.Equal(t, 1012, p.read().Close)
		require.Equal(t, enough, <-done)
		_, ok := s.Session()
		require.True(t, ok)
	})
}

func TestRunStops(t *testing.T) {
	for _, code := range closecode.All() {
		if code.Decision() != closecode.Stop {
			continue
		}
		bubble(t, code.String(), func(t *testing.T) {
			n := newNetwork(t)
			s := testShard(t, n, nil)
			done := run(t.Context(), s)
			p := <-n.peers
			p.hello(time.Minute)
			p.expect(2)
			p.closeWith(int(code))
			p.drain()
			err := <-done
			var fatal *FatalError
			require.ErrorAs(t, err, &fatal)
			require.Equal(t, code, fatal.Err.CloseCode)
			require.NotEmpty(t, fatal.Hint())
			require.ErrorContains(t, err, fatal.Hint())
			var de *gateway.DiscordError
			require.ErrorAs(t, err, &de)
		})
	}
	bubble(t, "when it runs already", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		done := run(t.Context(), s)
		p := <-n.peers
		require.Equal(t, ErrConnected, s.Run(t.Context()))
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
	bubble(t, "while it dials", func(t *testing.T) {
		s := testShard(t, newNetwork(t), nil)
		s.config.NetDial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := run(ctx, s)
		synctest.Wait()
		cancel()
		require.Equal(t, context.Canceled, <-done)
	})
	bubble(t, "while it waits", func(t *testing.T) {
		s := testShard(t, newNetwork(t), nil)
		s.config.NetDial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }
		ctx, cancel := context.WithCancel(t.Context())
		done := run(ctx, s)
		synctest.Wait()
		cancel()
		require.Equal(t, context.Canceled, <-done)
	})
}

// A log that tests may read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Some servers say 4000 for a wrong token: that must not become a fast loop.
func TestRunBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var log logged
		s := configured(t, n, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil,
			gateway.WithIdentifyRateLimiter(ratelimit.NewIdentify(1, ratelimit.WithInterval(time.Millisecond))))
		done := run(t.Context(), s)
		last := time.Now()
		var waits []time.Duration
		for range 12 {
			p := <-n.peers
			waits = append(waits, time.Since(last))
			p.hello(time.Minute)
			p.expect(2)
			p.closeWith(4000)
			p.drain()
			last = time.Now()
		}
		for i, wait := range waits[1:] {
			top := min(2*time.Minute, time.Second<<i)
			require.LessOrEqual(t, wait, top, "wait %d", i)
			require.GreaterOrEqual(t, wait, top/2, "wait %d", i)
		}
		require.Equal(t, 2, strings.Count(log.String(), "level=ERROR"))
		require.NotContains(t, log.String(), "token\"")
		require.Contains(t, log.String(), "shard=0")

		p := <-n.peers
		p.hello(10 * time.Minute)
		p.expect(2)
		p.ready(1)
		time.Sleep(time.Minute)
		p.nc.Close()
		last = time.Now()
		p = <-n.peers
		require.LessOrEqual(t, time.Since(last), time.Second, "success resets the backoff")
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}

// Sessions that break soon after READY must not be started quickly.
func TestRunBacksOffFromShortSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		done := run(t.Context(), s)
		start := time.Now()
		for range 12 {
			p := <-n.peers
			p.serve()
			p.closeWith(4007)
			p.drain()
		}
		require.Greater(t, time.Since(start), 5*time.Minute)
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}

// A session that resumes and breaks again at once must not be resumed quickly
// for ever; one that goes on may.
func TestRunBacksOffFromShortResumes(t *testing.T) {
	for name, progress := range map[string]bool{"without an event": false, "with one each": true} {
		bubble(t, name, func(t *testing.T) {
			n := newNetwork(t)
			s := testShard(t, n, nil)
			done := run(t.Context(), s)
			p := <-n.peers
			p.serve()
			p.nc.Close()
			start := time.Now()
			seq := 1
			for range 20 {
				seq++
				p = <-n.peers
				p.hello(time.Minute)
				p.expect(6)
				p.send(`{"op":0,"s":%d,"t":"RESUMED","d":{}}`, seq)
				if progress {
					seq++
					p.event(seq)
				}
				synctest.Wait()
				p.nc.Close()
			}
			p = <-n.peers
			if took := time.Since(start); progress {
				require.Less(t, took, 25*time.Second)
			} else {
				require.Greater(t, took, 10*time.Minute)
			}
			go p.drain()
			require.NoError(t, s.Close(t.Context(), KeepSession))
			require.NoError(t, <-done)
		})
	}
}

func TestResumeURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		var dialed []string
		down := map[string]bool{}
		s.config.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed = append(dialed, addr)
			if down[addr] {
				return nil, errors.New("down")
			}
			return n.dial(ctx, network, addr)
		}
		done := run(t.Context(), s)
		visited := func(want ...string) {
			require.Equal(t, want, dialed)
			dialed = nil
		}
		p := <-n.peers
		visited("gateway.test:80")
		p.serve()
		p.nc.Close()

		p = <-n.peers
		visited("resume.test:80")
		p.nc.Close() // without a word

		p = <-n.peers
		visited("gateway.test:80")
		p.hello(time.Minute)
		p.expect(6)
		p.send(`{"op":0,"s":2,"t":"RESUMED","d":{}}`)
		synctest.Wait()
		down["resume.test:80"] = true
		p.nc.Close()

		p = <-n.peers
		visited("resume.test:80", "gateway.test:80")
		p.hello(time.Minute)
		p.expect(6)
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}

// TestBeforeDial wants each dial of Run to be asked for, and to be told whether
// it resumes.
func TestBeforeDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var asked []gateway.Session
		gate := make(chan error, 3)
		s := configured(t, n, Config{BeforeDial: func(ctx context.Context, id gateway.ShardID, session gateway.Session) error {
			asked = append(asked, session)
			select {
			case err := <-gate:
				return err
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}}, nil)
		done := run(t.Context(), s)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []gateway.Session{{}}, asked)
		require.Zero(t, s.Stats().Connections, "it waits")
		gate <- errors.New("not yet")
		gate <- nil
		p := <-n.peers
		p.serve()
		synctest.Wait()
		require.Len(t, asked, 2)
		p.nc.Close()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, asked, 3)
		require.Equal(t, "abc", asked[2].ID)
		require.NoError(t, s.Close(t.Context(), KeepSession), "the wait ends")
		require.NoError(t, <-done)
	})
}
