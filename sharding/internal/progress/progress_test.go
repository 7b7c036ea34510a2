package progress

import (
	"fmt"
	"strings"
	"testing"

	"github.com/discordpkg/gateway/internal/golden"
)

// TestScenarios plays accounts. An event that a command names is one of the
// session "s" unless the command says otherwise.
func TestScenarios(t *testing.T) {
	golden.Scenarios(t, func(t *testing.T) func(string) string {
		a := New(Mark{})
		return func(command string) string {
			name, rest, _ := strings.Cut(command, " ")
			return carryOut(t, &a, name, rest)
		}
	})
}

func carryOut(t *testing.T, a *Account, name, rest string) string {
	var seq int64
	session := "s"
	fmt.Sscan(rest, &seq, &session)
	switch name {
	case "continue":
		var m Mark
		fmt.Sscan(rest, &m.Session, &m.Acked, &m.Seen, &m.Open, &m.Barrier)
		*a = New(m)
	case "begin":
		a.Begin(session, seq)
	case "resumed":
		return fmt.Sprintf("end of the replay: %v\n", a.Resumed(seq))
	case "receive":
		session, replay := a.Receive(seq)
		return fmt.Sprintf("session %q, replay: %v\n", session, replay)
	case "hold":
		a.Hold()
	case "unhold":
		a.Unhold()
	case "elsewhere":
		a.Elsewhere(session, seq)
	case "hand":
		a.Hand(session, seq)
	case "see":
		a.See(session, seq)
	case "leave":
		a.Leave(session)
		return fmt.Sprintf("stuck: %v\n", a.Stuck())
	case "acknowledge":
		return fmt.Sprintf("moved: %v\n", a.Acknowledge(session, seq))
	case "idle":
		return fmt.Sprintf("moved: %v\n", a.Idle(seq))
	case "mark":
		return fmt.Sprintf("%+v\n", a.Mark(rest == "open"))
	default:
		t.Fatalf("unknown command %q", name)
	}
	return fmt.Sprintf("session %q, acknowledged %d\n", a.Session(), a.Acknowledged())
}
