package lifecycle

import "fmt"

// A ShardPhase is where a shard is in its life.
type ShardPhase uint8

const (
	ShardNew            ShardPhase = iota // was not started
	ShardAsking                           // asks whether it may dial
	ShardDialing                          // opens a connection
	ShardConnected                        // waits for Hello
	ShardGreeted                          // Hello came: waits for its turn to identify
	ShardAuthenticating                   // identify or resume was written
	ShardActive                           // READY or RESUMED came
	ShardLeaving                          // the connection is to be closed
	ShardWaiting                          // waits between two connections
	ShardStopped                          // was stopped, by Discord or by the caller
	numShardPhases
)

// String returns the phase in words, such as "authenticating".
func (p ShardPhase) String() string {
	names := [numShardPhases]string{"new", "asking", "dialing", "connected", "greeted", "authenticating", "active", "leaving", "waiting", "stopped"}
	if p < numShardPhases {
		return names[p]
	}
	return fmt.Sprintf("phase %d", p)
}

// HasConnection reports whether there is a connection in this phase.
func (p ShardPhase) HasConnection() bool { return p >= ShardConnected && p <= ShardLeaving }

// shardInput is what a caller tells a [Shard].
type shardInput uint8

const (
	onStart shardInput = iota
	onGranted
	onRefused
	onDialed
	onDialFailed
	onHello
	onAuthenticated
	onActivated
	onEnded
	onTimeUp
	onWoken
	onStop
	numShardInputs
)

func (i shardInput) String() string {
	return [numShardInputs]string{"start", "granted", "refused", "dialed", "dial failed", "hello", "authenticated", "activated", "ended", "time up", "woken", "stop"}[i]
}

// shardTable holds every transition. An input that is not listed for a phase
// is illegal there. Where a phase and an input have several rows, the machine
// chooses.
var shardTable = []struct {
	from ShardPhase
	on   shardInput
	to   []ShardPhase
}{
	{ShardNew, onStart, []ShardPhase{ShardAsking, ShardWaiting}}, // waiting: a stored wait is not over
	{ShardNew, onStop, []ShardPhase{ShardStopped}},
	{ShardAsking, onGranted, []ShardPhase{ShardDialing}},
	{ShardAsking, onRefused, []ShardPhase{ShardWaiting}},
	{ShardAsking, onStop, []ShardPhase{ShardStopped}},
	{ShardDialing, onDialed, []ShardPhase{ShardConnected}},
	{ShardDialing, onDialFailed, []ShardPhase{ShardAsking, ShardWaiting}}, // asking: for the ordinary URL
	{ShardDialing, onStop, []ShardPhase{ShardStopped}},
	{ShardConnected, onHello, []ShardPhase{ShardGreeted}},
	{ShardConnected, onTimeUp, []ShardPhase{ShardLeaving}},
	{ShardConnected, onEnded, []ShardPhase{ShardWaiting, ShardStopped}},
	{ShardGreeted, onAuthenticated, []ShardPhase{ShardAuthenticating}},
	{ShardGreeted, onEnded, []ShardPhase{ShardWaiting, ShardStopped}},
	{ShardAuthenticating, onActivated, []ShardPhase{ShardActive}},
	{ShardAuthenticating, onTimeUp, []ShardPhase{ShardLeaving}},
	{ShardAuthenticating, onEnded, []ShardPhase{ShardWaiting, ShardStopped}},
	{ShardActive, onEnded, []ShardPhase{ShardWaiting, ShardStopped}},
	{ShardLeaving, onEnded, []ShardPhase{ShardWaiting, ShardStopped}},
	{ShardWaiting, onTimeUp, []ShardPhase{ShardAsking}},
	{ShardWaiting, onWoken, []ShardPhase{ShardWaiting}},
	{ShardWaiting, onStart, []ShardPhase{ShardAsking}}, // the caller does not want to wait
	{ShardWaiting, onStop, []ShardPhase{ShardStopped}},
	{ShardStopped, onStart, []ShardPhase{ShardAsking}},
}

// A Transition is one arrow of a machine's table, in words.
type Transition struct{ From, Input, To string }

// ShardTransitions returns the table of [Shard] as a fresh slice, one element for each arrow.
func ShardTransitions() []Transition {
	var all []Transition
	for _, row := range shardTable {
		for _, to := range row.to {
			all = append(all, Transition{row.from.String(), row.on.String(), to.String()})
		}
	}
	return all
}

// An IllegalInputError is an input that makes no sense in the phase of the
// machine. The machine is unchanged.
type IllegalInputError struct{ Phase, Input string }

func (e *IllegalInputError) Error() string {
	return fmt.Sprintf("lifecycle: %s is illegal in phase %s", e.Input, e.Phase)
}

// legal returns an error if the input is illegal now.
func (s *Shard) legal(on shardInput) error {
	for _, row := range shardTable {
		if row.from == s.phase && row.on == on {
			return nil
		}
	}
	return &IllegalInputError{s.phase.String(), on.String()}
}

// enter is the only writer of the phase. Tests hold it to the table.
func (s *Shard) enter(to ShardPhase) { s.phase = to }
