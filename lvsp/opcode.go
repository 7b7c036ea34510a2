package lvsp

import "strconv"

// An Opcode says what a message is. The numbers are the same in every dialect.
type Opcode uint8

// The document's table of opcodes. Its client is the backend, its server the
// voice server.
const (
	OpHello        Opcode = 0 // server: the first message of a link
	OpIdentify     Opcode = 1 // client: starts a session
	OpResume       Opcode = 2 // client: continues a session on a new link
	OpReady        Opcode = 3 // server: the session runs
	OpHeartbeat    Opcode = 4 // client: sign of life
	OpHeartbeatACK Opcode = 5 // server: answer to a heartbeat
	OpInfo         Opcode = 6 // both: channels and voice states
	OpVSTRequest   Opcode = 7 // client: asks for a voice state, in the seed dialect
)

func (op Opcode) String() string {
	names := [...]string{"HELLO", "IDENTIFY", "RESUME", "READY", "HEARTBEAT", "HEARTBEAT_ACK", "INFO", "VST_REQUEST"}
	if int(op) < len(names) {
		return names[op]
	}
	return "op " + strconv.Itoa(int(op))
}

// fromBackend reports whether a backend may send op.
func (op Opcode) fromBackend() bool {
	switch op {
	case OpIdentify, OpResume, OpHeartbeat, OpInfo, OpVSTRequest:
		return true
	}
	return false
}
