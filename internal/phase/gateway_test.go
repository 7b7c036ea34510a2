package phase

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

var phases = []Phase{Hello, Identify, Ready, Active, Closed}

// TestVerdict writes the table down a second time: for each message of a
// client its fate in each phase, 0 for legal.
func TestVerdict(t *testing.T) {
	const (
		early   = closecode.NotAuthenticated
		again   = closecode.AlreadyAuthenticated
		unknown = closecode.UnknownOpcode
	)
	for _, tt := range []struct {
		ops  []opcode.Type
		want [4]closecode.Type // hello, identify, ready, active
	}{
		{[]opcode.Type{opcode.Heartbeat}, [4]closecode.Type{early, 0, 0, 0}},
		{[]opcode.Type{opcode.Identify, opcode.Resume}, [4]closecode.Type{early, 0, again, again}},
		{[]opcode.Type{
			opcode.PresenceUpdate, opcode.VoiceStateUpdate, opcode.RequestGuildMembers,
			opcode.RequestSoundboardSounds, opcode.RequestChannelInfo,
		}, [4]closecode.Type{early, early, early, 0}},
		{[]opcode.Type{
			opcode.Dispatch, opcode.Reconnect, opcode.InvalidSession, opcode.Hello, opcode.HeartbeatACK,
			5, 12, 42, 63, 64, 65, 1 << 20,
		}, [4]closecode.Type{unknown, unknown, unknown, unknown}},
	} {
		for _, op := range tt.ops {
			for i, want := range tt.want {
				p := phases[i]
				code, legal := p.Verdict(op)
				require.Equal(t, want, code, "%v: %d", p, op)
				require.Equal(t, want == 0, legal, "%v: %d", p, op)
				require.Equal(t, legal, p.ClientMay(op), "%v: %d", p, op)
			}
			code, legal := Closed.Verdict(op)
			require.Zero(t, code)
			require.False(t, legal)
			require.False(t, Closed.ClientMay(op))
		}
	}
}

func TestServerMay(t *testing.T) {
	for op, want := range map[opcode.Type][4]bool{
		opcode.Hello:          {true, false, false, false},
		opcode.Reconnect:      {true, true, true, true},
		opcode.Heartbeat:      {false, true, true, true},
		opcode.HeartbeatACK:   {false, true, true, true},
		opcode.InvalidSession: {false, true, true, true},
		opcode.Dispatch:       {false, false, true, true},
		opcode.Identify:       {},
		opcode.Resume:         {},
		opcode.PresenceUpdate: {},
		64:                    {},
		74:                    {},
	} {
		for i, may := range want {
			require.Equal(t, may, phases[i].ServerMay(op), "%v: %d", phases[i], op)
		}
		require.False(t, Closed.ServerMay(op))
	}
}

func TestUnknownPhase(t *testing.T) {
	require.Equal(t, "unknown", numPhases.String())
	require.False(t, numPhases.ClientMay(opcode.Heartbeat))
	require.False(t, numPhases.ServerMay(opcode.Heartbeat))
	_, legal := numPhases.Verdict(opcode.Heartbeat)
	require.False(t, legal)
}

func TestNames(t *testing.T) {
	var names []string
	for _, p := range phases {
		names = append(names, p.String())
	}
	require.Equal(t, []string{"hello", "identify", "ready", "active", "closed"}, names)
}
