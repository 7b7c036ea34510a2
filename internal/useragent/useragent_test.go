package useragent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestString(t *testing.T) {
	require.Regexp(t, `^DiscordBot \(https://github\.com/discordpkg/gateway, \S+\)$`, String())
	require.NotEmpty(t, Version())
}
