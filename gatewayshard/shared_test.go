package gatewayshard

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
)

// TestDeadResumeHost loses the connections of many shards while the host of
// their resume URLs does not answer. The ordinary one does, and all are back soon.
func TestDeadResumeHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards = 300
		shared, err := NewShared()
		require.NoError(t, err)
		bound, err := NewDialBound(128)
		require.NoError(t, err)
		var vain, resumed atomic.Int64
		n := newNetwork(t)
		d := &backend{n: n, answer: func(p *peer, resume bool) {
			if resume {
				resumed.Add(1)
			}
			p.login(resume)
		}}
		serving, stop := context.WithCancel(context.Background())
		go d.serve(serving)
		c := Config{Shared: shared, DialBound: bound, Proxy: noProxy, NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == "resume.test:80" {
				vain.Add(1)
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return n.dial(ctx, network, addr)
		}}
		var all []*Shard
		var ends []<-chan error
		for id := range gateway.ShardID(shards) {
			s, err := c.NewShard(id, "token", nil, gateway.WithURL(testURL), gateway.WithResumeHosts("resume.test"), gateway.WithShardCount(shards),
				gateway.WithSession(gateway.Session{ID: fmt.Sprint(id), ResumeURL: "ws://resume.test", Seq: 5}))
			require.NoError(t, err)
			all, ends = append(all, s), append(ends, run(t.Context(), s))
		}
		start := time.Now()
		for resumed.Load() < shards && time.Since(start) < time.Hour {
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("all shards have resumed after %v, with %d dials of the dead host", time.Since(start), vain.Load())
		require.Less(t, time.Since(start), 30*time.Second)
		for i, s := range all {
			require.NoError(t, s.Close(t.Context(), KeepSession))
			require.NoError(t, <-ends[i])
		}
		stop()
		time.Sleep(2 * time.Minute)
	})
}

// A shard that may not log in neither dials nor identifies nor resumes, and is not
// held to have failed.
func TestPermit(t *testing.T) {
	forbidden := fmt.Errorf("the lease is lost")
	bubble(t, "before the dial", func(t *testing.T) {
		n := newNetwork(t)
		var allowed atomic.Bool
		asked := 0
		s := configured(t, n, Config{Permit: func(gateway.ShardID) error {
			if asked++; allowed.Load() {
				return nil
			}
			return forbidden
		}}, nil)
		_, err := s.Dial(t.Context(), "")
		require.ErrorIs(t, err, forbidden)
		done := run(t.Context(), s)
		time.Sleep(10 * time.Second)
		stats := s.Stats()
		require.Zero(t, stats.Connections)
		require.Zero(t, stats.Failures)
		require.ErrorIs(t, stats.LastError, forbidden)
		require.Equal(t, lifecycle.BecauseNotPermitted, stats.Waits)
		require.Greater(t, asked, 5)
		allowed.Store(true)
		s.Wake(time.Now())
		synctest.Wait()
		(<-n.peers).serve()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
	for name, session := range map[string]gateway.Session{"before identify": {}, "before resume": {ID: "abc", Seq: 3}} {
		bubble(t, name, func(t *testing.T) {
			n := newNetwork(t)
			var lost atomic.Bool
			s := configured(t, n, Config{Permit: func(gateway.ShardID) error {
				if lost.Load() {
					return forbidden
				}
				return nil
			}}, nil, gateway.WithSession(session))
			done := run(t.Context(), s)
			p := <-n.peers
			lost.Store(true)
			p.hello(time.Minute)
			require.Equal(t, 1012, p.read().Close, "nothing else is written")
			p.drain()
			time.Sleep(time.Second)
			require.Zero(t, s.Stats().Failures)
			require.Equal(t, lifecycle.BecauseNotPermitted, s.Stats().Waits)
			lost.Store(false)
			p = <-n.peers
			p.hello(time.Minute)
			if session.ID == "" {
				p.expect(2)
			} else {
				p.expect(6)
			}
			go p.drain()
			require.NoError(t, s.Close(t.Context(), KeepSession))
			require.NoError(t, <-done)
		})
	}
	bubble(t, "while it waits for the identify limiter", func(t *testing.T) {
		n := newNetwork(t)
		l := gateway.NewIdentifyRateLimiter()
		l.Take(0, time.Now())
		var lost atomic.Bool
		s := configured(t, n, Config{Permit: func(gateway.ShardID) error {
			if lost.Load() {
				return forbidden
			}
			return nil
		}}, nil, gateway.WithIdentifyRateLimiter(l))
		done := run(t.Context(), s)
		p := <-n.peers
		p.hello(time.Minute)
		synctest.Wait()
		require.Equal(t, Waiting, s.Stats().Phase)
		lost.Store(true)
		require.Equal(t, 1012, p.read().Close)
		require.Zero(t, s.Stats().Identifies)
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}

// What was sent last holds: the presence that a command has set is part of the
// next identify, in this process and in the next one.
func TestPresenceIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var log logged
		c := Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		s := configured(t, n, c, nil, gateway.WithPresence([]byte(`"of the options"`)))
		done := run(t.Context(), s)
		identified := func(want string) *peer {
			t.Helper()
			p := <-n.peers
			p.hello(time.Minute)
			require.Contains(t, string(p.expect(2).Data), want)
			p.ready(1)
			synctest.Wait()
			return p
		}
		p := identified(`"presence":"`)
		go func() { require.NoError(t, s.Write(t.Context(), 3, []byte(`{"status":"dnd","x":1}`))) }()
		p.expect(3)
		p.closeWith(4007)
		p.drain()
		p = identified(`"presence":{"status":"dnd","x":1}`)
		require.JSONEq(t, `{"status":"dnd","x":1}`, string(s.Progress().State.Presence))
		state := s.Progress().State

		large := `{"status":"dnd","x":"` + strings.Repeat("x", 4000) + `"}`
		go func() { require.NoError(t, s.Write(t.Context(), 3, []byte(large))) }()
		p.expect(3)
		p.closeWith(4007)
		p.drain()
		p = identified(`"presence":"`)
		require.Contains(t, log.String(), "presence is not part of the next identify")
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)

		c.State = state
		s = configured(t, n, c, nil)
		done = run(t.Context(), s)
		p = identified(`"presence":{"status":"dnd","x":1}`)
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}

// A stored presence that does not fit into identify must not keep the bot away.
func TestPresenceThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		large := []byte(`"` + strings.Repeat("x", 3000) + `"`)
		s := configured(t, n, Config{State: lifecycle.ShardState{Version: 1, Presence: large}}, nil,
			gateway.WithIdentifyConnectionProperties(&gateway.IdentifyConnectionProperties{OS: strings.Repeat("o", 1000)}))
		require.Nil(t, s.Progress().State.Presence)
	})
}

// A bot that runs twice with one session says so.
func TestSessionResumedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var log logged
		s := configured(t, n, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil,
			gateway.WithSession(gateway.Session{ID: "abc", Seq: 3}))
		done := run(t.Context(), s)
		for range 3 {
			require.NotContains(t, log.String(), "elsewhere")
			p := <-n.peers
			p.hello(time.Minute)
			p.expect(6)
			p.resumed()
			p.closeWith(4000)
			p.drain()
		}
		p := <-n.peers
		require.Contains(t, log.String(), "resumed elsewhere again and again")
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}

// A refused handshake says how long to wait.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials []time.Time
		c := Config{Proxy: noProxy, NetDial: func(context.Context, string, string) (net.Conn, error) {
			dials = append(dials, time.Now())
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				_, _ = server.Read(make([]byte, 4096))
				_, _ = server.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 300\r\nContent-Length: 4\r\n\r\ndown"))
			}()
			return client, nil
		}}
		s, err := c.NewShard(0, "token", nil, gateway.WithURL(testURL))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := run(ctx, s)
		time.Sleep(20 * time.Minute)
		var refused *RefusedError
		require.ErrorAs(t, s.Stats().LastError, &refused)
		require.Equal(t, 503, refused.Status)
		require.Equal(t, 5*time.Minute, refused.RetryAfter)
		require.ErrorContains(t, refused, `503`)
		require.ErrorContains(t, refused, `"down"`)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.LessOrEqual(t, len(dials), 4)
		for i := 1; i < len(dials); i++ {
			require.GreaterOrEqual(t, dials[i].Sub(dials[i-1]), 5*time.Minute)
			require.LessOrEqual(t, dials[i].Sub(dials[i-1]), 8*time.Minute)
		}
	})
}

// A READY that takes its time to arrive is not cut off.
func TestSlowReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := running(t, n, s)
		p.hello(41250 * time.Millisecond)
		p.expect(2)
		go p.drain()
		ready := []byte(`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc","x":"` + strings.Repeat("x", 90_000) + `"}}`)
		stream := append([]byte{0x81, 127, 0, 0, 0, 0, 0, byte(len(ready) >> 16), byte(len(ready) >> 8), byte(len(ready))}, ready...)
		for len(stream) > 0 {
			k := min(2000, len(stream))
			p.raw(stream[:k])
			stream = stream[k:]
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.Equal(t, Active, s.Stats().Phase)
		p.nc.Close()
		require.Error(t, <-done)
	})
}
