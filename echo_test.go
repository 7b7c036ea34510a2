package gateway

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
)

// A server that sends the token back in the reason of a close frame finds no
// help in bringing it into an error or a log.
func TestCloseReasonShowsNoToken(t *testing.T) {
	p := activePeer(t)
	err := p.ProcessCloseCode(closecode.AuthenticationFailed, "s3cret is no token", &p.close)
	var de *DiscordError
	require.True(t, errors.As(err, &de))
	require.Equal(t, "(secret) is no token", de.Reason)
	require.NotContains(t, err.Error(), "s3cret")

	v := newVoicePeer(t, voiceJoin)
	err = v.ProcessCloseCode(closecode.VoiceSessionInvalid, "no "+voiceJoin.Token, &v.close)
	var ve *VoiceError
	require.True(t, errors.As(err, &ve))
	require.Equal(t, "no (secret)", ve.Reason)
}
