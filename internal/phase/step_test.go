package phase

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/opcode"
)

// Every step is a legal message, leads elsewhere, and is the only one for it.
func TestStepsAreLegal(t *testing.T) {
	reached := map[Phase]bool{Hello: true}
	seen := map[Step]bool{}
	for _, s := range Steps() {
		legal := s.From.ClientMay(s.Op)
		if s.FromServer {
			legal = s.From.ServerMay(s.Op)
		}
		require.True(t, legal, "%v in %v", s.Op, s.From)
		require.NotEqual(t, s.From, s.To)
		require.Equal(t, s.To, s.From.After(s.FromServer, s.Op, s.Event))
		reached[s.To] = true
		s.To = 0
		require.False(t, seen[s], "twice: %v", s)
		seen[s] = true
	}
	require.Len(t, reached, int(numPhases))
}

func TestVoiceStepsAreLegal(t *testing.T) {
	reached := map[Voice]bool{VoiceHello: true, VoiceClosed: true} // voice has no message that closes
	seen := map[VoiceStep]bool{}
	for _, s := range VoiceSteps() {
		legal := s.From.ClientMay(s.Op)
		if s.FromServer {
			legal = s.From.ServerMay(s.Op)
		}
		require.True(t, legal, "%v in %v", s.Op, s.From)
		require.NotEqual(t, s.From, s.To)
		require.Equal(t, s.To, s.From.After(s.FromServer, s.Op, s.Keyed))
		reached[s.To] = true
		s.To = 0
		require.False(t, seen[s], "twice: %v", s)
		seen[s] = true
	}
	require.Len(t, reached, int(numVoice))
}

func TestOtherMessagesMoveNothing(t *testing.T) {
	require.Equal(t, Active, Active.After(true, opcode.Dispatch, event.MessageCreate))
	require.Equal(t, Active, Active.After(true, opcode.Dispatch, event.Ready))
	require.Equal(t, Identify, Identify.After(true, opcode.InvalidSession, ""))
	require.Equal(t, Closed, Closed.After(true, opcode.Hello, ""))
	require.Equal(t, VoiceActive, VoiceActive.After(true, opcode.VoiceResumed, true))
	require.Equal(t, VoiceActive, VoiceReady.After(true, opcode.VoiceSessionDescription, true))
	require.Equal(t, VoiceClosed, VoiceClosed.After(true, opcode.VoiceHello, false))
	Steps()[0].To, VoiceSteps()[0].To = Closed, VoiceClosed
	require.Equal(t, Identify, Hello.After(true, opcode.Hello, ""))
	require.Equal(t, VoiceIdentify, VoiceHello.After(true, opcode.VoiceHello, false))
}
