package gatewayshard

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/ratelimit"
)

func TestWriteRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		presence := func(data string) error { return s.Write(t.Context(), command.UpdatePresence, []byte(data)) }
		require.Equal(t, ErrNotConnected, presence(`{}`))
		p, done := running(t, n, s)
		require.ErrorIs(t, presence(`{}`), gateway.ErrNotReady)
		p.serve()
		synctest.Wait()
		require.ErrorIs(t, presence(`{`), gateway.ErrInvalidPayload)
		require.ErrorIs(t, presence(`"`+strings.Repeat("x", 4096)+`"`), gateway.ErrPayloadTooLarge)
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, s.Write(canceled, command.UpdatePresence, []byte(`{}`)), context.Canceled)
		var invalid *command.InvalidError
		require.ErrorAs(t, s.Send(t.Context(), command.GuildMembersRequest{}), &invalid)

		go func() { require.NoError(t, presence(`{"status":"idle"}`)) }()
		m := p.read()
		require.Equal(t, 3, m.Op)
		require.Equal(t, `{"status":"idle"}`, string(m.Data))
		go func() { require.NoError(t, s.Send(t.Context(), command.GuildMembersRequest{GuildID: 7})) }()
		require.Equal(t, 8, p.read().Op)
		p.nc.Close()
		<-done
		require.Equal(t, ErrNotConnected, presence(`{}`))
	})
}

// The limit is exhausted by many, and heartbeats pass all of them.
func TestWriteWaitsAndHeartbeatsDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		start := time.Now()
		var writers sync.WaitGroup
		for range 300 {
			writers.Go(func() { require.NoError(t, s.Write(t.Context(), command.UpdatePresence, []byte(`{}`))) })
		}
		var sent []time.Duration
		commands := 0
		for commands < 300 {
			m := p.read()
			at := time.Since(start)
			sent = append(sent, at)
			if m.Op == 1 {
				phase := (at - 20625*time.Millisecond) % (41250 * time.Millisecond)
				require.Zero(t, phase, "a beat at %v", at)
				p.send(`{"op":11}`)
			} else {
				commands++
			}
		}
		writers.Wait()
		for i := range sent {
			if i >= ratelimit.CommandLimit {
				require.GreaterOrEqual(t, sent[i]-sent[i-ratelimit.CommandLimit], ratelimit.CommandPeriod)
			}
		}
		require.Less(t, time.Since(start), 3*time.Minute)
		p.nc.Close()
		<-done
	})
}

func TestWriteStopsWaiting(t *testing.T) {
	exhaust := func(t *testing.T, n *network, s *Shard) (*peer, <-chan error) {
		p, done := active(t, n, s)
		go p.drain()
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			err := s.Write(ctx, command.UpdatePresence, []byte(`{}`))
			cancel()
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				return p, done
			}
		}
	}
	write := func(s *Shard, ctx context.Context) <-chan error {
		done := make(chan error, 1)
		go func() { done <- s.Write(ctx, command.UpdatePresence, []byte(`{}`)) }()
		synctest.Wait()
		return done
	}
	bubble(t, "with the connection", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := exhaust(t, n, s)
		written := write(s, t.Context())
		p.nc.Close()
		require.ErrorIs(t, <-written, ErrNotConnected)
		require.ErrorIs(t, <-done, net.ErrClosed)
	})
	bubble(t, "with Close", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		_, done := exhaust(t, n, s)
		written := write(s, t.Context())
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.Error(t, <-written)
		require.Equal(t, ErrClosed, <-done)
	})
	bubble(t, "with the context", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := exhaust(t, n, s)
		ctx, cancel := context.WithCancel(t.Context())
		written := write(s, ctx)
		cancel()
		require.ErrorIs(t, <-written, context.Canceled)
		p.nc.Close()
		<-done
	})
}

// A peer that stops reading is given up after the write timeout; the others
// who write meanwhile do not wait for it.
func TestStalledPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		start := time.Now()
		stuck := make(chan error, 1)
		go func() { stuck <- s.Write(t.Context(), command.UpdatePresence, []byte(`{}`)) }()
		synctest.Wait()
		require.NoError(t, s.Write(t.Context(), command.UpdatePresence, []byte(`{}`)), "queued")
		require.Zero(t, time.Since(start))
		err := <-done
		require.ErrorIs(t, err, net.ErrClosed)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
		require.Equal(t, defaultWriteTimeout, time.Since(start))
		require.Equal(t, err, <-stuck)
		p.nc.Close()
	})
}

// unlimited is a limiter that admits every command.
type unlimited struct{}

func (unlimited) Take(time.Time) (time.Time, bool) { return time.Time{}, true }

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil, gateway.WithCommandRateLimiter(unlimited{}))
		p, done := active(t, n, s)
		go func() { _ = s.Write(t.Context(), command.UpdatePresence, []byte(`{}`)) }()
		synctest.Wait()
		go func() {
			for range 100_000 {
				p.send(`{"op":1}`)
			}
		}()
		require.ErrorIs(t, <-done, errBacklog)
		p.nc.Close()
	})
}

// A vague limiter refuses a number of times and does not say until when.
type vague struct{ asked, refusals int }

func (v *vague) Take(now time.Time) (time.Time, bool) {
	v.asked++
	if v.asked%2 == 0 {
		return now.Add(-time.Hour), v.asked > v.refusals
	}
	return time.Time{}, v.asked > v.refusals
}

func TestWriteAsksAVagueLimiterNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		limiter := &vague{refusals: 100}
		s := testShard(t, n, nil, gateway.WithCommandRateLimiter(limiter))
		p, done := active(t, n, s)
		start := time.Now()
		written := make(chan error, 1)
		go func() { written <- s.Write(t.Context(), command.UpdatePresence, []byte(`{}`)) }()
		require.Equal(t, 3, p.expect(3).Op)
		require.NoError(t, <-written)
		require.Equal(t, 101, limiter.asked)
		require.Equal(t, 100*commandPause, time.Since(start), "a pause after each refusal")
		p.nc.Close()
		<-done
	})
}
