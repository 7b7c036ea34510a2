package heart

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWatchdog(t *testing.T) {
	var w Watchdog
	require.True(t, w.Deadline().IsZero())
	require.False(t, w.Expired(after(time.Hour)), "stopped")
	w.Beat(epoch)
	require.True(t, w.Deadline().IsZero(), "a beat does not start it")

	w.Start(epoch, interval, 10*time.Second)
	require.Equal(t, after(50*time.Second), w.Deadline())
	require.False(t, w.Expired(after(50*time.Second-1)))
	require.True(t, w.Expired(after(50*time.Second)))

	w.Beat(after(30 * time.Second))
	require.Equal(t, after(80*time.Second), w.Deadline())
	w.Beat(after(20 * time.Second))
	require.Equal(t, after(80*time.Second), w.Deadline(), "never back")

	w.Stop()
	require.False(t, w.Expired(after(time.Hour)))
	w.Start(epoch, 0, time.Second)
	require.True(t, w.Deadline().IsZero())
	w.Start(epoch, interval, -time.Second)
	require.Equal(t, after(interval), w.Deadline())
}

// TestHeartKeepsWatchdogQuiet runs both ends of a link whose delay varies, and
// a client that wakes up late. The grace covers both.
func TestHeartKeepsWatchdogQuiet(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		delay := func() time.Duration { return time.Duration(rnd.Int64N(int64(2 * time.Second))) }
		var w Watchdog
		w.Start(epoch, interval, interval/8+4*time.Second)
		var h Heart
		h.Start(epoch.Add(delay()), interval, rnd.Float64())
		for range 200 {
			now := h.Next().Add(time.Duration(rnd.Int64N(int64(interval / 8))))
			due, dead := h.Due(now)
			require.True(t, due)
			require.False(t, dead)
			h.Sent(now)
			arrival := now.Add(delay())
			require.False(t, w.Expired(arrival), "seed %d", seed)
			w.Beat(arrival)
			rtt := arrival.Sub(now) + delay()
			h.Acked(now.Add(rtt))
			require.Equal(t, rtt, h.Latency())
		}
		require.True(t, w.Expired(h.Next().Add(2*interval)), "and bites once the beats stop")
	}
}
