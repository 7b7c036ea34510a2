package voiceserver_test

import (
	"testing"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/stretchr/testify/require"
)

// What a relay notices reaches the rules behind sockets too.
func TestReportsOverSockets(t *testing.T) {
	srv := newServer(t, voiceserver.WithNonces(2))
	a, b := dial(t, srv, "ws", 1), dial(t, srv, "ws", 2)
	a.call(rtp.AES256GCM)
	b.call(rtp.AES256GCM)
	for range 3 {
		a.say("x")
	}
	require.EqualValues(t, 4006, b.end())
}
