package opcode

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/golden"
)

func direction(send, receive bool) string {
	switch {
	case send && receive:
		return "both"
	case send:
		return "send"
	case receive:
		return "receive"
	}
	return "none"
}

func TestGatewayTable(t *testing.T) {
	constants := golden.Constants(t, "Type")
	var all []Type
	for _, row := range golden.Rows(t, "opcodes.txt") {
		require.Contains(t, constants, row[1])
		require.Equal(t, row[0], constants[row[1]].ExactString(), row[1])
		delete(constants, row[1])

		n, err := strconv.ParseUint(row[0], 10, 0)
		require.NoError(t, err)
		op := Type(n)
		all = append(all, op)
		require.Equal(t, row[2], op.String())
		require.Equal(t, row[3], direction(op.Sendable(), op.Receivable()), row[1])
		require.Equal(t, row[4] == "reconnect", CanReconnectAfter(op), row[1])
		require.True(t, op.Known())
	}
	require.Empty(t, constants, "constants without a documented opcode")
	require.Equal(t, all, All())
}

func TestVoiceTable(t *testing.T) {
	constants := golden.Constants(t, "Voice")
	var all []Voice
	for _, row := range golden.Rows(t, "voice.txt") {
		require.Contains(t, constants, row[1])
		require.Equal(t, row[0], constants[row[1]].ExactString(), row[1])
		delete(constants, row[1])

		n, err := strconv.ParseUint(row[0], 10, 8)
		require.NoError(t, err)
		op := Voice(n)
		all = append(all, op)
		require.Equal(t, row[2], op.String())
		require.Equal(t, row[3], direction(op.Sendable(), op.Receivable()), row[1])
		require.Equal(t, row[4] == "binary", op.Binary(), row[1])
		require.Equal(t, strings.HasPrefix(row[2], "DAVE"), op.DAVE(), row[1])
		require.True(t, op.Known())
	}
	require.Empty(t, constants, "constants without a documented opcode")
	require.Equal(t, all, AllVoice())
}

func TestUnknownOpcodes(t *testing.T) {
	documented := make(map[Type]bool)
	for _, op := range All() {
		documented[op] = true
	}
	for op := range Type(300) {
		require.Equal(t, documented[op], op.Known(), op)
		if !documented[op] {
			require.False(t, op.Sendable() || op.Receivable() || CanReconnectAfter(op), op)
		}
	}
	require.Equal(t, "opcode 5", Type(5).String())
	require.Equal(t, "opcode 4294967295", Type(1<<32-1).String())

	voice := make(map[Voice]bool)
	for _, op := range AllVoice() {
		voice[op] = true
	}
	for n := range 256 {
		require.Equal(t, voice[Voice(n)], Voice(n).Known(), n)
	}
	require.Equal(t, "voice opcode 12", Voice(12).String())
	require.Equal(t, "voice opcode 255", Voice(255).String())
}

func TestAllIsFresh(t *testing.T) {
	All()[0], AllVoice()[0] = 99, 99
	require.Equal(t, Dispatch, All()[0])
	require.Equal(t, VoiceIdentify, AllVoice()[0])
}
