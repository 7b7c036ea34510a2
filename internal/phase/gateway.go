package phase

import (
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

// ClientMay reports whether a client may send op in p.
func (p Phase) ClientMay(op opcode.Type) bool {
	return p < numPhases && fromClient[p].has(op)
}

// ServerMay reports whether a server may send op in p. A client ignores what
// it may not: it changes nothing.
func (p Phase) ServerMay(op opcode.Type) bool {
	return p < numPhases && fromServer[p].has(op)
}

// Verdict judges a message that a client sent in p: either it is legal, or the
// server closes with code. Once closed nothing is legal, and the code is zero
// because nothing is left to close.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
func (p Phase) Verdict(op opcode.Type) (code closecode.Type, legal bool) {
	switch {
	case p.ClientMay(op):
		return 0, true
	case p >= Closed:
		return 0, false
	case !clients.has(op):
		return closecode.UnknownOpcode, false
	case p >= Ready && logins.has(op):
		return closecode.AlreadyAuthenticated, false
	}
	return closecode.NotAuthenticated, false
}

// ops is a set of gateway opcodes.
type ops uint64

func set(codes ...opcode.Type) (s ops) {
	for _, c := range codes {
		s |= 1 << c
	}
	return s
}

func (s ops) has(op opcode.Type) bool { return op < 64 && s>>op&1 != 0 }

var (
	logins   = set(opcode.Identify, opcode.Resume)
	commands = set(opcode.PresenceUpdate, opcode.VoiceStateUpdate, opcode.RequestGuildMembers,
		opcode.RequestSoundboardSounds, opcode.RequestChannelInfo)
	clients = set(opcode.Heartbeat) | logins | commands

	// The server may ask for heartbeats, answer them and send the client away
	// as soon as it has said hello.
	control = set(opcode.Heartbeat, opcode.HeartbeatACK, opcode.Reconnect, opcode.InvalidSession)
)

// A client may beat before it authenticates: several libraries do.
var fromClient = [numPhases]ops{
	Hello:    0,
	Identify: set(opcode.Heartbeat) | logins,
	Ready:    set(opcode.Heartbeat),
	Active:   set(opcode.Heartbeat) | commands,
	Closed:   0,
}

// A server that goes down may say so (reconnect) instead of hello. Replayed
// events come before RESUMED, thus in Ready.
var fromServer = [numPhases]ops{
	Hello:    set(opcode.Hello, opcode.Reconnect),
	Identify: control,
	Ready:    control | set(opcode.Dispatch),
	Active:   control | set(opcode.Dispatch),
	Closed:   0,
}
