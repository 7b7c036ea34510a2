package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

// An E2EE is the end-to-end encryption of a voice session, see [WithE2EE].
//
// It is a state machine as well, without goroutines and clocks: it is told
// what arrived and returns what to send, and only the state calls it,
// in the order of arrival. It outlives the connection: give the same
// one to the state that resumes.
//
// https://discord.com/developers/docs/topics/voice-connections#endtoend-encryption-dave-protocol
type E2EE interface {
	// MaxProtocolVersion is the highest version of the protocol it speaks,
	// zero for none. Identify carries it.
	MaxProtocolVersion() uint16

	// HandleVoice consumes one message: each one for which [opcode.Voice.DAVE]
	// holds, and Session Description, Clients Connect, Client Disconnect and
	// Resumed. After Resumed, replies to what came before may have been lost
	// with the old connection. Opcodes it does not know it must ignore.
	//
	// The data of m is valid until the call returns. The state writes the
	// replies in order, and owns them. An error means that there is no way on:
	// the replies are dropped, and the session ends.
	HandleVoice(now time.Time, m VoiceMessage) (replies []VoiceMessage, err error)
}

// ErrE2EE is matched by the [*VoiceError] of a session that ended because its
// [E2EE] could not go on.
var ErrE2EE = errors.New("gateway: end-to-end encryption failed")

// encrypts reports whether an E2EE is to hear of op.
func encrypts(op opcode.Voice) bool {
	switch op {
	case opcode.VoiceSessionDescription, opcode.VoiceClientsConnect, opcode.VoiceClientDisconnect, opcode.VoiceResumed:
		return true
	}
	return op.DAVE()
}

// encrypt gives a message to the E2EE and writes what it replies.
func (s *VoiceGatewayState) encrypt(m *VoiceMessage, w VoiceWriters) error {
	if s.e2ee == nil || !encrypts(m.Op) {
		return nil
	}
	replies, err := s.e2ee.HandleVoice(s.now, *m)
	if err != nil {
		return s.failE2EE(m.Op, err, w)
	}
	for _, r := range replies {
		switch err := s.Write(w, r); {
		case errors.Is(err, ErrNotReady), errors.Is(err, ErrInvalidPayload):
			return s.failE2EE(m.Op, err, w)
		case err != nil:
			return err
		}
	}
	return nil
}

// failE2EE ends the session. Resuming would replay the message that failed, or
// miss it.
func (s *VoiceGatewayState) failE2EE(op opcode.Voice, cause error, w VoiceWriters) error {
	s.InvalidateSession(w.Close)
	return &VoiceError{Decision: closecode.NewSession, Err: fmt.Errorf("%w: %v: %w", ErrE2EE, op, cause)}
}
