package gatewaytest

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/stretchr/testify/require"
)

// Clients that never come back must not fill the memory of a server that
// stays up, whether something happens in their guilds or not.
func TestAbandonedSessionsAreSwept(t *testing.T) {
	w := NewWorld(WithGuilds(2, 5), WithIdentifyInterval(0))
	now := simEpoch
	for range 100 {
		c := w.Accept(now, Params{Version: "10", Encoding: "json"})
		c.Receive(now, []byte(`{"op":2,"d":{"token":"t","properties":{},"intents":0}}`), false)
		require.NotEmpty(t, c.SessionID())
		c.Lost(now, closecode.Abnormal)
		now = now.Add(time.Minute)
	}
	require.LessOrEqual(t, len(w.Sessions()), 11, "those of two lifetimes")
	require.Equal(t, len(w.Sessions()), w.Stats().Sessions)
	require.LessOrEqual(t, len(w.order), 32+2*11)

	w.Accept(now.Add(time.Hour), Params{Version: "10", Encoding: "json"})
	require.Empty(t, w.Sessions())
}

func TestFaultDurationsOfOneLength(t *testing.T) {
	s := NewServer()
	defer s.Close()
	r := faultRequest{Fault: Fault{Kind: Drip}, For: "7ms", Every: "7ms", Next: 1}
	_, err := s.controlFault(r)
	require.NoError(t, err)
	require.Equal(t, 7*time.Millisecond, s.world.nextFaults[0].Every)
	require.Equal(t, 7*time.Millisecond, s.world.nextFaults[0].For)
}
