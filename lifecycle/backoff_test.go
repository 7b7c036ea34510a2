package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoffDefaults(t *testing.T) {
	for _, c := range []struct{ given, want Backoff }{
		{Backoff{}, Backoff{time.Second, 2 * time.Minute}},
		{Backoff{Max: time.Millisecond}, Backoff{time.Millisecond, time.Millisecond}},
		{Backoff{Min: time.Hour}, Backoff{time.Hour, time.Hour}},
		{Backoff{Min: 1, Max: 2}, Backoff{1, 2}},
	} {
		got, err := c.given.WithDefaults()
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, bad := range []Backoff{{Min: -1}, {Max: -1}, {Min: 2, Max: 1}} {
		_, err := bad.WithDefaults()
		require.Error(t, err)
		_, err = NewShard(WithBackoff(bad))
		require.Error(t, err)
	}
}

func TestBackoffDoublesAndIsJittered(t *testing.T) {
	b := Backoff{Min: time.Second, Max: 10 * time.Second}
	for failures, want := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second} {
		require.Equal(t, want, b.Wait(failures, 0), failures)
	}
	require.Equal(t, 900*time.Millisecond, b.Wait(0, 0.9))
	require.Equal(t, 10*time.Second-4500*time.Millisecond, b.Wait(99, 0.9))
	require.Equal(t, 10*time.Second, b.Wait(1<<30, 0), "a count that was read somewhere")
	require.Equal(t, time.Duration(0), b.Wait(-1, 0))
	long := Backoff{Min: 1, Max: 1<<63 - 1}
	require.Equal(t, long.Max, long.Wait(1000, 0), "no overflow")
}

func TestLimits(t *testing.T) {
	l, err := Limits{}.WithDefaults()
	require.NoError(t, err)
	require.Equal(t, Limits{Dial: 30 * time.Second, ResumeDial: 5 * time.Second, Handshake: 30 * time.Second, HandshakeMax: 3 * time.Minute, HandshakeRate: 1024}, l)
	l, err = Limits{Dial: time.Second, Handshake: time.Hour}.WithDefaults()
	require.NoError(t, err)
	require.Equal(t, time.Second, l.ResumeDial)
	require.Equal(t, time.Hour, l.HandshakeMax)
	for _, bad := range []Limits{{Dial: -1}, {ResumeDial: -1}, {Handshake: -1}, {HandshakeMax: -1}, {HandshakeRate: -1}, {HandshakeMax: time.Second}} {
		_, err := bad.WithDefaults()
		require.Error(t, err)
		_, err = NewShard(WithLimits(bad))
		require.Error(t, err)
	}
	_, err = NewShard(WithRandom(nil))
	require.Error(t, err)
}
