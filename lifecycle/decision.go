package lifecycle

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
)

// A ShardAction is what the caller of a [Shard] does next.
type ShardAction uint8

const (
	ShardStart ShardAction = iota // call Start
	ShardAsk                      // ask what the shards share, then call Granted or Refused
	ShardDial                     // open a connection, then call Dialed or DialFailed
	ShardHold                     // read and write the connection
	ShardLeave                    // close the connection so that the session is kept, then call Ended
	ShardWait                     // wait until At, then call HandleTimeout
	ShardStop                     // nothing more is to be done
)

// String returns the action as a verb, such as "dial".
func (a ShardAction) String() string {
	names := [...]string{"start", "ask", "dial", "hold", "leave", "wait", "stop"}
	if int(a) < len(names) {
		return names[a]
	}
	return fmt.Sprintf("action %d", a)
}

// A ShardReason is why a [Shard] waits.
type ShardReason uint8

const (
	NoReason                 ShardReason = iota
	BecauseDialFailed                    // no connection could be opened
	BecauseLost                          // the connection ended, the session is kept
	BecauseSessionEnded                  // the connection ended, and the session with it
	BecauseSessionDead                   // RESUME was answered by nothing good again and again: the session was given up
	BecauseSessionUnreadable             // the session could not be read past one place: it was given up
	BecauseNotPermitted                  // the caller may not dial, or not log in
	BecauseBudget                        // the identifies of the day are used up
	BecauseTurn                          // other shards identify first
	BecauseHost                          // the host does not answer, or asked for a pause
	numShardReasons
)

// String returns the reason in words, such as "the session was dead".
func (r ShardReason) String() string {
	names := [numShardReasons]string{"no reason", "dial failed", "connection lost", "session ended", "session dead",
		"session unreadable", "not permitted", "identify budget spent", "other shards identify first", "host unavailable"}
	if r < numShardReasons {
		return names[r]
	}
	return fmt.Sprintf("reason %d", r)
}

// Wakeable reports whether a wait for this reason ends early when the network
// is back, see [Shard.Woken].
func (r ShardReason) Wakeable() bool {
	return r == BecauseDialFailed || r == BecauseLost || r == BecauseSessionEnded || r == BecauseNotPermitted || r == BecauseHost
}

// A ShardDecision is what to do next, and what there is to know for it.
type ShardDecision struct {
	Do ShardAction

	// Session is what the next connection resumes, the zero Session when it
	// identifies. It is set when Do is ShardAsk or ShardDial.
	Session gateway.Session

	// AtResumeURL says where to connect: to [gateway.GatewayState.DialURL] if
	// true, to [gateway.GatewayState.URL] otherwise. When Do is ShardAsk it says
	// which one is wanted.
	AtResumeURL bool

	// Limit is how long opening the connection may take.
	Limit time.Duration

	// Presence replaces that of the options in identify, see
	// [Shard.SetPresence]. It is nil when none was set.
	Presence json.RawMessage

	Why      ShardReason // the reason of ShardWait
	At       time.Time   // the end of ShardWait; the deadline of ShardHold, zero for none
	Failures int         // connections in a row that came to nothing
	Err      error       // why the last connection ended or could not be opened; why to leave or to stop
}

// Identifies reports whether the next connection starts a new session.
func (d ShardDecision) Identifies() bool { return d.Session.ID == "" }

// Decision returns what to do next. It is the same until the next input.
func (s *Shard) Decision() ShardDecision {
	d := ShardDecision{Failures: s.failures, Err: s.err}
	switch s.phase {
	case ShardNew:
		d.Do = ShardStart
	case ShardAsking:
		d.Do, d.Session, d.AtResumeURL, d.Presence = ShardAsk, s.session, s.wantsResumeURL(), s.presence
	case ShardDialing:
		d.Do, d.Session, d.AtResumeURL, d.Presence = ShardDial, s.session, s.atResumeURL, s.presence
		if d.Limit = s.limits.Dial; s.atResumeURL {
			d.Limit = s.limits.ResumeDial
		}
	case ShardLeaving:
		d.Do = ShardLeave
	case ShardWaiting:
		d.Do, d.Why, d.At = ShardWait, s.why, s.until
	case ShardStopped:
		d.Do = ShardStop
	default:
		d.Do, d.At = ShardHold, s.NextDeadline()
	}
	return d
}
