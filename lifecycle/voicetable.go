package lifecycle

// A VoicePhase is what a voice session is at, see [Voice.Phase].
type VoicePhase uint8

// The phases of a voice session.
const (
	VoiceNew          VoicePhase = iota // nothing was asked for yet
	VoiceJoining                        // the main gateway was asked for the channel, its two events are waited for
	VoiceConnecting                     // a connection with fresh credentials, no audio yet
	VoiceResuming                       // a connection with a session that the voice server knows, no audio yet
	VoiceConnected                      // audio flows
	VoiceBackoff                        // the next attempt is waited for
	VoiceTokenRefused                   // closed with 4004: is a newer token on its way?
	VoiceAwaitMove                      // closed with 4014 or 4022: moved, or disconnected?
	VoiceAwaitServer                    // Discord has no voice server at the moment
	VoiceEnded                          // for good, see [Voice.Err]
	numVoicePhases
)

func (p VoicePhase) String() string {
	if p >= numVoicePhases {
		return "unknown phase"
	}
	return [numVoicePhases]string{
		"new", "joining", "connecting", "resuming", "connected", "backoff",
		"token refused", "await move", "await server", "ended",
	}[p]
}

// A VoiceInput is what makes a voice session change its phase.
type VoiceInput uint8

// The inputs of the table, see [VoiceTransitions].
const (
	VoiceInputJoin         VoiceInput = iota // the main gateway is asked for the channel
	VoiceInputCredentials                    // VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE are complete
	VoiceInputNoServer                       // VOICE_SERVER_UPDATE without an endpoint
	VoiceInputConnect                        // time to connect again, the voice server knows no session
	VoiceInputResume                         // time to connect again, the voice server knows the session
	VoiceInputAudio                          // audio flows
	VoiceInputLost                           // the connection, or the answer of the main gateway, is missing
	VoiceInputTokenRefused                   // the voice server closed with 4004
	VoiceInputDisconnected                   // the voice server closed with 4014 or 4022
	VoiceInputEnd                            // left, removed, refused for good, or too many failures
	numVoiceInputs
)

func (i VoiceInput) String() string {
	if i >= numVoiceInputs {
		return "unknown input"
	}
	return [numVoiceInputs]string{
		"join", "credentials", "no server", "connect", "resume", "audio",
		"lost", "token refused", "disconnected", "end",
	}[i]
}

// VoiceTransitions returns the table of [Voice] as a fresh slice, one element
// for each arrow. An input that has none changes nothing.
func VoiceTransitions() []Transition {
	var all []Transition
	for from := range numVoicePhases {
		for input := range numVoiceInputs {
			if to := voiceTable[from][input]; to != VoiceNew {
				all = append(all, Transition{from.String(), input.String(), to.String()})
			}
		}
	}
	return all
}

// voiceTable has the phase that follows. No input leads back to VoiceNew, so
// that zero stands for "no row".
var voiceTable = [numVoicePhases][numVoiceInputs]VoicePhase{
	VoiceNew: {
		VoiceInputJoin: VoiceJoining, VoiceInputConnect: VoiceConnecting, VoiceInputResume: VoiceResuming,
		VoiceInputEnd: VoiceEnded,
	},
	VoiceJoining: {
		VoiceInputJoin: VoiceJoining, VoiceInputCredentials: VoiceConnecting, VoiceInputNoServer: VoiceAwaitServer,
		VoiceInputLost: VoiceBackoff, VoiceInputEnd: VoiceEnded,
	},
	VoiceConnecting:   whileConnecting,
	VoiceResuming:     whileConnecting,
	VoiceConnected:    whileConnecting,
	VoiceTokenRefused: between(VoiceBackoff),
	VoiceBackoff: {
		VoiceInputJoin: VoiceJoining, VoiceInputCredentials: VoiceConnecting, VoiceInputNoServer: VoiceAwaitServer,
		VoiceInputConnect: VoiceConnecting, VoiceInputResume: VoiceResuming, VoiceInputEnd: VoiceEnded,
	},
	VoiceAwaitMove:   between(VoiceBackoff),
	VoiceAwaitServer: between(VoiceNew),
}

// whileConnecting are the rows of the phases that have a connection.
var whileConnecting = [numVoiceInputs]VoicePhase{
	VoiceInputCredentials: VoiceConnecting, VoiceInputNoServer: VoiceAwaitServer, VoiceInputAudio: VoiceConnected,
	VoiceInputLost: VoiceBackoff, VoiceInputTokenRefused: VoiceTokenRefused, VoiceInputDisconnected: VoiceAwaitMove,
	VoiceInputEnd: VoiceEnded,
}

// between returns the rows of a phase that waits for events of Discord.
func between(lost VoicePhase) [numVoiceInputs]VoicePhase {
	return [numVoiceInputs]VoicePhase{
		VoiceInputJoin: VoiceJoining, VoiceInputCredentials: VoiceConnecting, VoiceInputNoServer: VoiceAwaitServer,
		VoiceInputLost: lost, VoiceInputEnd: VoiceEnded,
	}
}
