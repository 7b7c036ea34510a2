package signaling_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// A member who asks again has the same token for half of its life, and then
// another one; the first is good to its end. Sessions go on with either.
func TestTokensAreRenewed(t *testing.T) {
	key, err := lvsp.NewTokenKey(bytes.Repeat([]byte("s"), lvsp.MinSecret))
	require.NoError(t, err)
	s := newHarness(t, signaling.WithTokenKey(key, time.Hour))
	a := s.call(1)
	first := a.token
	s.wait(29 * time.Minute)
	require.Equal(t, first, s.join(1).token)
	s.wait(time.Minute)
	second := s.join(1).token
	require.NotEqual(t, first, second)
	for _, c := range []struct {
		after time.Duration
		token string
		close int
	}{
		{0, first, 0}, {0, second, 0}, {31 * time.Minute, second, 0}, {0, first, 4004}, {30 * time.Minute, second, 4006}, {0, "nonsense", 4004},
	} {
		s.wait(c.after)
		b := s.clients[len(s.clients)-1]
		b.token = c.token
		b.connect()
		b.identify()
		require.EqualValues(t, c.close, b.close, c)
	}
	a.token = "of another server"
	a.connect()
	a.resume()
	require.EqualValues(t, 4006, a.close, "it may have been restarted: the client asks anew")
}
