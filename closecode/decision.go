package closecode

import "strconv"

// A Decision is what a client does after a connection was closed. The zero value
// is [Stop], so that a forgotten case cannot become an endless loop.
type Decision uint8

const (
	// Stop means that no new connection can succeed until the user changes
	// something, see [Type.Hint] and [Voice.Hint].
	Stop Decision = iota
	// Resume means to connect again and continue the session.
	Resume
	// Identify means to connect again to the main gateway with a new session.
	Identify
	// NewSession means to ask the main gateway for the voice channel again: voice
	// needs a fresh session id, token and endpoint.
	NewSession
	// WaitForMove means that voice was disconnected, or moved to another channel
	// or server. A fresh VOICE_STATE_UPDATE or VOICE_SERVER_UPDATE, which follows
	// within seconds, tells which; without one the session is over.
	WaitForMove
)

// String returns the decision in words, such as "resume".
func (d Decision) String() string {
	switch d {
	case Stop:
		return "stop"
	case Resume:
		return "resume"
	case Identify:
		return "identify"
	case NewSession:
		return "new session"
	case WaitForMove:
		return "wait for move"
	}
	return "decision " + strconv.FormatUint(uint64(d), 10)
}
