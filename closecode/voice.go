package closecode

// Voice is the code of a websocket close frame on a voice gateway. Codes below
// 4000 are those of the websocket protocol. Any number is a valid Voice; zero
// means that there was no code.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
type Voice uint16

const (
	VoiceUnknownOpcode         Voice = 4001
	VoiceDecodeError           Voice = 4002
	VoiceNotAuthenticated      Voice = 4003
	VoiceAuthenticationFailed  Voice = 4004
	VoiceAlreadyAuthenticated  Voice = 4005
	VoiceSessionInvalid        Voice = 4006
	VoiceSessionTimedOut       Voice = 4009
	VoiceServerNotFound        Voice = 4011
	VoiceUnknownProtocol       Voice = 4012
	VoiceDisconnected          Voice = 4014 // kicked, moved, or the main session was dropped
	VoiceServerCrashed         Voice = 4015
	VoiceUnknownEncryptionMode Voice = 4016
	VoiceE2EERequired          Voice = 4017
	VoiceBadRequest            Voice = 4020
	VoiceRateLimited           Voice = 4021
	VoiceCallTerminated        Voice = 4022 // the channel was deleted, or the call moved to another server
)

// AllVoice returns every voice close code that Discord documents, in ascending
// order, as a fresh slice.
func AllVoice() []Voice {
	return []Voice{
		VoiceUnknownOpcode, VoiceDecodeError, VoiceNotAuthenticated, VoiceAuthenticationFailed,
		VoiceAlreadyAuthenticated, VoiceSessionInvalid, VoiceSessionTimedOut, VoiceServerNotFound,
		VoiceUnknownProtocol, VoiceDisconnected, VoiceServerCrashed, VoiceUnknownEncryptionMode,
		VoiceE2EERequired, VoiceBadRequest, VoiceRateLimited, VoiceCallTerminated,
	}
}

// Decision returns what to do after a voice server closed with code: [Resume]
// after a crash or any code below 4000, [WaitForMove] after a disconnect by
// Discord, [Stop] where another attempt meets the same refusal and for zero, and
// [NewSession] for everything else, unknown codes included.
//
// Discord asks not to reconnect on 4014 and 4022, but closes with them also when
// the session is moved; hence the wait.
func (code Voice) Decision() Decision {
	switch code {
	case 0, VoiceAuthenticationFailed, VoiceUnknownProtocol, VoiceUnknownEncryptionMode, VoiceE2EERequired, VoiceRateLimited:
		return Stop
	case VoiceDisconnected, VoiceCallTerminated:
		return WaitForMove
	case VoiceServerCrashed:
		return Resume
	}
	if code < 4000 {
		return Resume
	}
	return NewSession
}

// String returns the name of code in lower case, such as "session timed out", or
// "close code 4999" for an unknown one.
func (code Voice) String() string {
	switch code {
	case 0:
		return "no close code"
	case VoiceUnknownOpcode:
		return "unknown opcode"
	case VoiceDecodeError:
		return "decode error"
	case VoiceNotAuthenticated:
		return "not authenticated"
	case VoiceAuthenticationFailed:
		return "authentication failed"
	case VoiceAlreadyAuthenticated:
		return "already authenticated"
	case VoiceSessionInvalid:
		return "session no longer valid"
	case VoiceSessionTimedOut:
		return "session timed out"
	case VoiceServerNotFound:
		return "server not found"
	case VoiceUnknownProtocol:
		return "unknown protocol"
	case VoiceDisconnected:
		return "disconnected"
	case VoiceServerCrashed:
		return "voice server crashed"
	case VoiceUnknownEncryptionMode:
		return "unknown encryption mode"
	case VoiceE2EERequired:
		return "end-to-end encryption required"
	case VoiceBadRequest:
		return "bad request"
	case VoiceRateLimited:
		return "rate limited"
	case VoiceCallTerminated:
		return "call terminated"
	}
	return websocketName(uint16(code))
}
