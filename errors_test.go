package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

func TestDiscordErrorText(t *testing.T) {
	err := &DiscordError{CloseCode: 4014, Reason: "Disallowed intent(s)."}
	require.Contains(t, err.Error(), "gateway: connection closed with 4014 (")
	require.Contains(t, err.Error(), "Disallowed intent(s).")
	require.Contains(t, err.Error(), closecode.Type(4014).Hint(), "a fatal code says what to fix")
	require.NotEmpty(t, closecode.Type(4014).Hint())

	err = &DiscordError{OpCode: opcode.Reconnect}
	require.Contains(t, err.Error(), "gateway: connection ended by op 7 (")
	require.NotErrorIs(t, err, ErrZombie)

	err = &DiscordError{CloseCode: closecode.HeartbeatAckNotReceived}
	require.Contains(t, err.Error(), "gateway: connection ended by us")
	require.ErrorIs(t, err, ErrZombie)
}

// A loop that looks for a DiscordError finds none when the network was cut, and
// logs it all the same.
func TestNilErrors(t *testing.T) {
	var discordErr *DiscordError
	require.Equal(t, "gateway: connection lost, Discord gave no reason", discordErr.Error())
	require.NotErrorIs(t, discordErr, ErrZombie)
	var voiceErr *VoiceError
	require.Equal(t, "gateway: voice connection lost, the voice server gave no reason", voiceErr.Error())
	require.NotErrorIs(t, voiceErr, ErrZombie)
}

func TestErrorsMatchTheirSentinels(t *testing.T) {
	require.ErrorIs(t, &RateLimitError{RetryAt: time.Now()}, ErrRateLimited)
	require.NotErrorIs(t, &RateLimitError{}, ErrMalformed)
	require.ErrorIs(t, &MessageTooLargeError{}, ErrMalformed)
	require.NotErrorIs(t, &MessageTooLargeError{}, ErrRateLimited)
}
