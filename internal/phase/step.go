package phase

import (
	"slices"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/opcode"
)

// A Step is a message that moves a connection of the gateway from one phase to
// another. A message that is legal and no step leaves the phase as it is. Every
// phase also ends when either side closes the connection.
type Step struct {
	From, To   Phase
	FromServer bool
	Op         opcode.Type
	Event      event.Type // of a dispatch
}

// Reconnect ends a connection at once. Invalid Session does not: the client
// waits for some seconds before it leaves, and may not send commands meanwhile.
var steps = []Step{
	{Hello, Identify, true, opcode.Hello, ""},
	{Identify, Ready, false, opcode.Identify, ""},
	{Identify, Ready, false, opcode.Resume, ""},
	{Ready, Active, true, opcode.Dispatch, event.Ready},
	{Ready, Active, true, opcode.Dispatch, event.Resumed},
	{Ready, Identify, true, opcode.InvalidSession, ""},
	{Active, Identify, true, opcode.InvalidSession, ""},
	{Hello, Closed, true, opcode.Reconnect, ""},
	{Identify, Closed, true, opcode.Reconnect, ""},
	{Ready, Closed, true, opcode.Reconnect, ""},
	{Active, Closed, true, opcode.Reconnect, ""},
}

// Steps returns the steps of the gateway as a fresh slice, in the order of a
// connection's life.
func Steps() []Step { return slices.Clone(steps) }

// After returns the phase after a message. Name is the event of a dispatch.
func (p Phase) After(fromServer bool, op opcode.Type, name event.Type) Phase {
	for _, s := range steps {
		if s.From == p && s.FromServer == fromServer && s.Op == op && s.Event == name {
			return s.To
		}
	}
	return p
}

// A VoiceStep is a message that moves a connection of the voice gateway from
// one phase to another.
type VoiceStep struct {
	From, To   Voice
	FromServer bool
	Op         opcode.Voice
	Keyed      bool // the session has a key already
}

// A client may authenticate before hello has reached it. A replay may hold the
// session description before resumed.
var voiceSteps = []VoiceStep{
	{VoiceHello, VoiceIdentify, true, opcode.VoiceHello, false},
	{VoiceHello, VoiceReady, false, opcode.VoiceIdentify, false},
	{VoiceHello, VoiceReady, false, opcode.VoiceResume, false},
	{VoiceIdentify, VoiceReady, false, opcode.VoiceIdentify, false},
	{VoiceIdentify, VoiceReady, false, opcode.VoiceResume, false},
	{VoiceReady, VoiceSelect, true, opcode.VoiceReady, false},
	{VoiceReady, VoiceSelect, true, opcode.VoiceResumed, false},
	{VoiceReady, VoiceActive, true, opcode.VoiceResumed, true},
	{VoiceReady, VoiceActive, true, opcode.VoiceSessionDescription, false},
	{VoiceSelect, VoiceActive, true, opcode.VoiceSessionDescription, false},
}

// VoiceSteps returns the steps of the voice gateway as a fresh slice, in the
// order of a connection's life.
func VoiceSteps() []VoiceStep { return slices.Clone(voiceSteps) }

// After returns the phase after a message. Keyed says whether the session has a
// key: it counts where a session is resumed.
func (p Voice) After(fromServer bool, op opcode.Voice, keyed bool) Voice {
	keyed = keyed && op == opcode.VoiceResumed
	for _, s := range voiceSteps {
		if s.From == p && s.FromServer == fromServer && s.Op == op && s.Keyed == keyed {
			return s.To
		}
	}
	return p
}
