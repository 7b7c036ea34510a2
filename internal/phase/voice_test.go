package phase

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

var voicePhases = []Voice{VoiceHello, VoiceIdentify, VoiceReady, VoiceSelect, VoiceActive}

// TestVoiceTable compares with the table that was written by hand.
func TestVoiceTable(t *testing.T) {
	data, err := os.ReadFile("testdata/voice.txt")
	require.NoError(t, err)
	seen := make(map[opcode.Voice]bool)
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSpace(line), " | ")
		require.Len(t, cells, 1+len(voicePhases), line)
		n, err := strconv.ParseUint(cells[0], 10, 8)
		require.NoError(t, err)
		op := opcode.Voice(n)
		seen[op] = true
		for i, cell := range cells[1:] {
			p := voicePhases[i]
			client, server, _ := strings.Cut(cell, " ")
			code, legal := p.Verdict(op)
			want := closecode.Voice(0)
			if client != "yes" {
				n, err := strconv.ParseUint(client, 10, 16)
				require.NoError(t, err)
				want = closecode.Voice(n)
			}
			require.Equal(t, want, code, "%v in %v", op, p)
			require.Equal(t, want == 0, legal, "%v in %v", op, p)
			require.Equal(t, legal, p.ClientMay(op), "%v in %v", op, p)
			require.Equal(t, server == "yes", p.ServerMay(op), "%v in %v", op, p)
		}
	}
	for _, op := range opcode.AllVoice() {
		require.True(t, seen[op], "%v has no row", op)
	}
}

func TestVoiceEnd(t *testing.T) {
	for _, p := range []Voice{VoiceClosed, numVoice, 200} {
		for n := range 256 {
			op := opcode.Voice(n)
			code, legal := p.Verdict(op)
			require.Zero(t, code)
			require.False(t, legal || p.ClientMay(op) || p.ServerMay(op), "%v in %v", op, p)
		}
	}
}

func TestVoiceNames(t *testing.T) {
	var names []string
	for _, p := range append(voicePhases, VoiceClosed, numVoice) {
		names = append(names, p.String())
	}
	require.Equal(t, []string{"hello", "identify", "ready", "select", "active", "closed", "unknown"}, names)
}

// TestVoiceDirections holds the table to what the opcodes say of themselves.
func TestVoiceDirections(t *testing.T) {
	for _, op := range opcode.AllVoice() {
		var client, server bool
		for _, p := range voicePhases {
			client, server = client || p.ClientMay(op), server || p.ServerMay(op)
		}
		require.Equal(t, op.Sendable(), client, op)
		require.Equal(t, op.Receivable(), server, op)
	}
}
