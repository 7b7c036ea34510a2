package gatewayshard

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
)

const handshakeTime = 30 * time.Second // the default

func TestHandshakeTimeouts(t *testing.T) {
	bubble(t, "no hello", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		start := time.Now()
		p, done := running(t, n, s)
		require.Equal(t, 1012, p.read().Close)
		err := <-done
		require.ErrorIs(t, err, lifecycle.ErrHandshakeTimeout)
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorContains(t, err, "hello")
		require.Equal(t, handshakeTime, time.Since(start))
	})
	bubble(t, "acknowledged heartbeats but no ready", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		start := time.Now()
		p, done := running(t, n, s)
		p.hello(time.Second)
		p.expect(2)
		for m := p.read(); m.Op == 1; m = p.read() {
			p.send(`{"op":11}`)
		}
		require.ErrorIs(t, <-done, lifecycle.ErrHandshakeTimeout)
		require.Equal(t, handshakeTime, time.Since(start))
		p.nc.Close()
	})
	bubble(t, "a long replay is no failure", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil, gateway.WithSession(gateway.Session{ID: "abc", Seq: 1}))
		p, done := running(t, n, s)
		p.hello(10 * time.Minute)
		p.expect(6)
		for i := range 5 {
			time.Sleep(handshakeTime - time.Second)
			p.event(i + 2)
		}
		p.send(`{"op":0,"s":7,"t":"RESUMED","d":{}}`)
		synctest.Wait()
		require.Equal(t, Active, s.Stats().Phase)
		require.Equal(t, uint64(1), s.Stats().Resumes)
		p.nc.Close()
		require.Error(t, <-done)
	})
	bubble(t, "waiting for the identify limiter is no failure", func(t *testing.T) {
		n := newNetwork(t)
		l := gateway.NewIdentifyRateLimiter()
		for i := range 30 {
			l.Take(0, time.Now().Add(time.Duration(i*6)*time.Second))
		}
		start := time.Now()
		s := testShard(t, n, nil, gateway.WithIdentifyRateLimiter(l))
		p, done := running(t, n, s)
		p.hello(10 * time.Minute)
		synctest.Wait()
		require.Equal(t, Waiting, s.Stats().Phase)
		p.expect(2)
		require.Greater(t, time.Since(start), 2*time.Minute)
		require.Equal(t, uint64(1), s.Stats().Identifies)
		p.nc.Close()
		require.Error(t, <-done)
	})
}
