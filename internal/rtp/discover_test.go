package rtp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ask runs d without an answer until it gives up, and returns when it asked.
func ask(t *testing.T, d *Discovery) (asked []time.Duration, end time.Duration, err error) {
	t.Helper()
	for {
		now := d.NextDeadline()
		require.False(t, now.IsZero())
		early, err := d.HandleTimeout(now.Add(-1), nil)
		require.NoError(t, err)
		require.Empty(t, early, "an early call does nothing")

		b, err := d.HandleTimeout(now, nil)
		if err != nil {
			require.Empty(t, b)
			return asked, now.Sub(epoch), err
		}
		require.Equal(t, AppendDiscoveryRequest(nil, testSSRC), b)
		asked = append(asked, now.Sub(epoch))
	}
}

func TestDiscoveryAsksAgain(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, tt := range []struct {
		attempts int
		wait     time.Duration
		asked    []time.Duration
		end      time.Duration
	}{
		{0, 0, []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 5500 * ms}, 7500 * ms},
		{-1, -1, []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 5500 * ms}, 7500 * ms},
		{1, 3 * s, []time.Duration{0}, 3 * s},
		{3, 3 * s, []time.Duration{0, 3 * s, 6 * s}, 9 * s},
		{3, 1500 * ms, []time.Duration{0, 1500 * ms, 3500 * ms}, 5500 * ms},
	} {
		var d Discovery
		d.Start(epoch, testSSRC, tt.attempts, tt.wait)
		asked, end, err := ask(t, &d)
		require.Equal(t, tt.asked, asked)
		require.Equal(t, tt.end, end)
		require.ErrorIs(t, err, ErrDiscoveryTimeout)
		require.NotErrorIs(t, err, ErrDiscovery)

		require.True(t, d.NextDeadline().IsZero(), "it is over")
		b, err := d.HandleTimeout(epoch.Add(time.Hour), nil)
		require.NoError(t, err)
		require.Empty(t, b)
		require.False(t, d.Handle(discovered("192.0.2.7:50000")), "too late")
		require.False(t, d.Addr().IsValid())
	}
}

func TestDiscoveryAnswered(t *testing.T) {
	var d Discovery
	require.True(t, d.NextDeadline().IsZero(), "not started")
	require.False(t, d.Handle(discovered("192.0.2.7:50000")))

	d.Start(epoch, testSSRC, 0, 0)
	require.False(t, d.Addr().IsValid())
	_, err := d.HandleTimeout(epoch, nil)
	require.NoError(t, err)
	require.True(t, d.Handle(discovered("192.0.2.7:50000")))
	require.Equal(t, "192.0.2.7:50000", d.Addr().String())
	require.True(t, d.NextDeadline().IsZero())
	require.False(t, d.Handle(discovered("192.0.2.8:50000")), "the answer to the second request")
	require.Equal(t, "192.0.2.7:50000", d.Addr().String())

	d.Start(epoch, testSSRC, 0, 0)
	require.False(t, d.Addr().IsValid(), "a new server, a new answer")
}

func TestDiscoveryIgnores(t *testing.T) {
	var d Discovery
	d.Start(epoch, testSSRC+1, 0, 0)
	bad := discovered("192.0.2.7:50000")
	bad[72], bad[73] = 0, 0
	for name, b := range map[string][]byte{
		"nothing":                nil,
		"a keepalive":            make([]byte, 8),
		"audio":                  append(plain(), make([]byte, 100)...),
		"its own request":        AppendDiscoveryRequest(nil, testSSRC+1),
		"an answer to another":   discovered("192.0.2.7:50000"),
		"an answer without port": bad,
	} {
		require.False(t, d.Handle(b), name)
		require.Equal(t, epoch, d.NextDeadline(), name)
	}
}

// TestDiscoveryTellsOfBadAnswers: a server that answers nonsense is another
// fault than a firewall.
func TestDiscoveryTellsOfBadAnswers(t *testing.T) {
	var d Discovery
	d.Start(epoch, testSSRC, 0, 0)
	bad := discovered("192.0.2.7:50000")
	bad[addressStart] = 'x'
	require.False(t, d.Handle(bad))
	_, _, err := ask(t, &d)
	require.ErrorIs(t, err, ErrDiscoveryTimeout)
	require.ErrorIs(t, err, ErrDiscovery)
	require.ErrorContains(t, err, "5 requests")
}

func TestDiscoveryWithoutAClock(t *testing.T) {
	var d Discovery
	d.Start(time.Time{}, testSSRC, 0, 0)
	require.False(t, d.NextDeadline().IsZero())
	b, err := d.HandleTimeout(epoch, nil)
	require.NoError(t, err)
	require.Len(t, b, DiscoverySize)
	require.Equal(t, epoch.Add(DiscoveryWait), d.NextDeadline(), "a late call does not shorten the wait")
}
