// Package phase is the life of one connection as a table: which message is
// legal when. It takes no side; the client follows it, a server enforces it.
package phase

// A Phase is a step in the life of one connection.
type Phase uint8

const (
	Hello    Phase = iota // nothing sent yet, the server speaks first
	Identify              // hello sent, the client may authenticate
	Ready                 // identify or resume sent, no answer yet
	Active                // ready or resumed sent, the session runs
	Closed                // the end
	numPhases
)

func (p Phase) String() string {
	if p >= numPhases {
		return "unknown"
	}
	return [numPhases]string{"hello", "identify", "ready", "active", "closed"}[p]
}
