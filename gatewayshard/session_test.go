package gatewayshard

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
)

// What was received and not acknowledged is neither received again after a
// reconnect of this process, nor named by a session that is stored.
func TestAcknowledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var seqs []int64
		s := configured(t, n, Config{PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) { seqs = append(seqs, p.Seq) }},
			nil, gateway.WithManualAcknowledge())
		stored := func(want int64) {
			t.Helper()
			synctest.Wait()
			session, ok := s.Session()
			require.True(t, ok)
			require.Equal(t, want, session.Seq)
		}
		p, done := active(t, n, s)
		for seq := 2; seq <= 5; seq++ {
			p.event(seq)
		}
		stored(0)
		s.Acknowledge(3)
		stored(3)
		p.nc.Close()
		require.Error(t, <-done)
		stored(3)
		require.NoError(t, s.PrepareForReconnect())
		stored(3)

		p, done = running(t, n, s)
		p.hello(time.Minute)
		require.Contains(t, string(p.expect(6).Data), `"seq":5`)
		p.event(6)
		stored(3)
		s.Acknowledge(4)
		stored(4)
		s.Acknowledge(99)
		stored(4)
		p.nc.Close()
		require.Error(t, <-done)

		p, done = running(t, n, s)
		p.hello(time.Minute)
		require.Contains(t, string(p.expect(6).Data), `"seq":6`)
		stored(4)
		p.event(7)
		synctest.Wait()
		s.Acknowledge(6)
		stored(6)
		s.Acknowledge(7)
		stored(7)
		p.nc.Close()
		require.Error(t, <-done)
		require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7}, seqs)
	})
}

// Heartbeats and RESUME that name what was acknowledged do so over any number of
// connections of this process. What Discord replays is not delivered again.
func TestAcknowledgedHeartbeatsAfterReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var seqs []int64
		s := configured(t, n, Config{PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) { seqs = append(seqs, p.Seq) }},
			nil, gateway.WithAcknowledgedHeartbeats())
		p, done := active(t, n, s)
		for seq := 2; seq <= 5; seq++ {
			p.event(seq)
		}
		synctest.Wait()
		s.Acknowledge(2)
		for connection := range 3 {
			p.nc.Close()
			require.Error(t, <-done)
			p, done = running(t, n, s)
			p.hello(10 * time.Second)
			require.Contains(t, string(p.expect(6).Data), `"seq":2`, "RESUME on connection %d", connection)
			for seq := 3; seq <= 5; seq++ {
				p.event(seq)
			}
			p.send(`{"op":0,"s":null,"t":"RESUMED","d":{}}`)
			require.Equal(t, "2", string(p.expect(1).Data), "heartbeat on connection %d", connection)
		}
		s.Acknowledge(5)
		p.send(`{"op":11}`)
		require.Equal(t, "5", string(p.expect(1).Data))
		p.nc.Close()
		require.Error(t, <-done)
		require.Equal(t, []int64{1, 2, 3, 4, 5, 0, 0, 0}, seqs, "each event once, and each RESUMED")
	})
}

// Progress says whether everything received was given to the handler.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		gate := make(chan struct{})
		s := configured(t, n, Config{PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) {
			if p.Seq == 3 {
				<-gate
			}
		}}, nil, gateway.WithManualAcknowledge())
		require.Zero(t, s.Progress())
		p, done := active(t, n, s)
		p.event(2)
		s.Acknowledge(1)
		synctest.Wait()
		at := s.Progress()
		require.Equal(t, "abc", at.Session.ID)
		require.EqualValues(t, 1, at.Session.Seq)
		require.EqualValues(t, 2, at.Received)
		require.False(t, at.Handling)
		p.event(3)
		synctest.Wait()
		at = s.Progress()
		require.EqualValues(t, 3, at.Received)
		require.True(t, at.Handling, "the handler has the third")
		close(gate)
		p.nc.Close()
		require.Error(t, <-done)
		require.NoError(t, s.Close(t.Context(), KeepSession))
	})
}

// A bound without a place would stop every shard.
func TestDialBoundHasPlaces(t *testing.T) {
	_, err := NewDialBound(0)
	require.ErrorContains(t, err, "0 dials")
}

// A session that ended does not come back, though the options named it.
func TestGivenSessionIsForTheFirstConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil, gateway.WithSession(gateway.Session{ID: "old", ResumeURL: "ws://old.test", Seq: 9}))
		done := run(t.Context(), s)
		p := <-n.peers
		p.hello(time.Minute)
		require.Contains(t, string(p.expect(6).Data), `"old"`)
		p.send(`{"op":9,"d":false}`)
		p.drain()
		p = <-n.peers
		p.serve()
		synctest.Wait()
		require.Equal(t, "abc", s.Stats().SessionID)
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}

func TestPhaseNames(t *testing.T) {
	seen := map[string]bool{}
	for p := Disconnected; p <= Closed; p++ {
		require.False(t, seen[p.String()])
		seen[p.String()] = true
	}
	require.Equal(t, "unknown", Phase(200).String())
	require.False(t, strings.Contains(Active.String(), "unknown"))
}
