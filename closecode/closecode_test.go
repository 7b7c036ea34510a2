package closecode

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/golden"
)

func TestGatewayTable(t *testing.T) {
	constants := golden.Constants(t, "Type")
	var all []Type
	for _, row := range golden.Rows(t, "closecodes.txt") {
		require.Contains(t, constants, row[1])
		require.Equal(t, row[0], constants[row[1]].ExactString(), row[1])
		delete(constants, row[1])

		n, err := strconv.ParseUint(row[0], 10, 16)
		require.NoError(t, err)
		code := Type(n)
		if row[3] != "alias" {
			all = append(all, code)
		}
		require.Equal(t, row[2], code.String())
		require.Equal(t, row[4], code.Decision().String(), row[1])
		require.Equal(t, row[4] != "stop", CanReconnectAfter(code), row[1])
		require.Equal(t, row[4] == "stop", code.Hint() != "", row[1])
	}
	require.Empty(t, constants, "constants without a fact")
	require.Equal(t, all, All())
}

func TestVoiceTable(t *testing.T) {
	constants := golden.Constants(t, "Voice")
	var all []Voice
	for _, row := range golden.Rows(t, "voice.txt") {
		require.Contains(t, constants, row[1])
		require.Equal(t, row[0], constants[row[1]].ExactString(), row[1])
		delete(constants, row[1])

		n, err := strconv.ParseUint(row[0], 10, 16)
		require.NoError(t, err)
		code := Voice(n)
		all = append(all, code)
		require.Equal(t, row[2], code.String())
		require.Equal(t, row[3], code.Decision().String(), row[1])
		require.Equal(t, row[3] == "stop", code.Hint() != "", row[1])
	}
	require.Empty(t, constants, "constants without a fact")
	require.Equal(t, all, AllVoice())
}

// Discord documents reconnect = false for these, and for no others.
func TestFatalCodes(t *testing.T) {
	fatal := map[Type]bool{4004: true, 4010: true, 4011: true, 4012: true, 4013: true, 4014: true}
	for n := 1; n < 1<<16; n++ {
		code := Type(n)
		require.Equal(t, !fatal[code], CanReconnectAfter(code), n)
		require.Equal(t, n == 1000 || n == 1001, code.EndsSession(), n)
		decision := code.Decision()
		require.True(t, decision == Resume || decision == Stop || decision == Identify, n)
	}
}

func TestResumeFirstChangesOneRow(t *testing.T) {
	for n := range 1 << 16 {
		code, want := Type(n), Type(n).Decision()
		if n == 4009 {
			require.Equal(t, Identify, want)
			want = Resume
		}
		require.Equal(t, want, ResumeFirst(code), n)
	}
}

func TestNoCode(t *testing.T) {
	require.False(t, CanReconnectAfter(0))
	require.Equal(t, Stop, Type(0).Decision())
	require.Equal(t, "no close code", Type(0).String())
	require.Empty(t, Type(0).Hint())
	require.Equal(t, Stop, Voice(0).Decision())
	require.Equal(t, "no close code", Voice(0).String())
	require.Empty(t, Voice(0).Hint())
}

func TestUnknownCodes(t *testing.T) {
	require.Equal(t, "close code 4999", Type(4999).String())
	require.Equal(t, Resume, Type(4999).Decision())
	require.Equal(t, "close code 4999", Voice(4999).String())
	require.Equal(t, NewSession, Voice(4999).Decision())
	require.Equal(t, NewSession, Voice(4000).Decision(), "4000 is not documented for voice")
	require.Equal(t, Resume, Voice(1006).Decision(), "a lost connection keeps the voice session")
	require.Equal(t, "connection lost", Voice(1006).String())
	require.Equal(t, "decision 99", Decision(99).String())
}

func TestZeroDecisionIsStop(t *testing.T) {
	var d Decision
	require.Equal(t, Stop, d)
	require.Equal(t, []string{"stop", "resume", "identify", "new session", "wait for move"},
		[]string{Stop.String(), Resume.String(), Identify.String(), NewSession.String(), WaitForMove.String()})
}

func TestHintsNameTheCure(t *testing.T) {
	require.Contains(t, DisallowedIntents.Hint(), "Developer Portal")
	require.Contains(t, DisallowedIntents.Hint(), "privileged")
	require.Contains(t, AuthenticationFailed.Hint(), "token")
	require.Contains(t, VoiceE2EERequired.Hint(), "max_dave_protocol_version")
	for n := range 1 << 16 {
		for _, hint := range []string{Type(n).Hint(), Voice(n).Hint()} {
			require.False(t, strings.HasSuffix(hint, "."), hint)
		}
	}
}

func TestAllIsFresh(t *testing.T) {
	All()[0], AllVoice()[0] = 1, 1
	require.Equal(t, Normal, All()[0])
	require.Equal(t, VoiceUnknownOpcode, AllVoice()[0])
}
