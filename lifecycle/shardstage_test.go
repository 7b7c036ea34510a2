package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/golden"
)

// TestShardScenarios plays the scripts of testdata/shard, one for each rule.
func TestShardScenarios(t *testing.T) {
	golden.ScenariosIn(t, "shard", func(t *testing.T) func(string) string {
		return (&shardStage{t: t}).carryOut
	})
}

// A shardStage is a shard with the real state of each of its connections, and
// a Discord that says what the script says.
type shardStage struct {
	t       *testing.T
	now     time.Time
	life    *Shard
	state   *gateway.GatewayState // nil without a connection
	traffic Traffic
	options []ShardOption
	table   []gateway.Option
	out     strings.Builder
	last    string
}

// carryOut does the commands of a line, which are separated by semicolons and
// may be repeated: "3 times: go; cut".
func (s *shardStage) carryOut(line string) string {
	s.out.Reset()
	repeat := 1
	if n, rest, ok := strings.Cut(line, " times: "); ok {
		var err error
		repeat, err = strconv.Atoi(n)
		require.NoError(s.t, err)
		line = rest
	}
	for range repeat {
		for command := range strings.SplitSeq(line, ";") {
			s.do(strings.Fields(command))
		}
	}
	return s.out.String()
}

func (s *shardStage) do(words []string) {
	verb, args := words[0], words[1:]
	require.True(s.t, verb == "new" || s.life != nil, "begin with new")
	switch verb {
	case "new":
		s.begin(args)
	case "start":
		s.input(s.life.Start(s.now))
	case "granted":
		s.input(s.life.Granted(s.now, Grant{AvoidResumeURL: len(args) > 0}))
	case "refused":
		s.input(s.life.Refused(s.now, s.now.Add(s.duration(args[0])), map[string]ShardReason{
			"turn": BecauseTurn, "budget": BecauseBudget, "permit": BecauseNotPermitted, "host": BecauseHost}[args[1]]))
	case "dialed":
		s.input(s.life.Dialed(s.now))
	case "fail":
		s.fail(args)
	case "woken":
		s.input(s.life.Woken(s.now, s.now.Add(s.duration(args[0]))))
	case "stop":
		s.input(s.life.Stop(s.now, errors.New("the caller stops")))
	case "wait":
		s.pass(s.until())
	case "pass":
		s.pass(s.now.Add(s.duration(args[0])))
	case "go":
		s.untilHello()
	case "presence":
		s.say("presence: %v", s.life.SetPresence(json.RawMessage(strings.Join(args, " "))))
	case "store":
		s.store()
	case "elsewhere":
		s.say("taken away %d times", s.life.Elsewhere())
	default:
		s.discord(verb, args)
	}
	s.show()
}

// begin makes the machine: session=ID, url=URL, seq=N, discord-table.
func (s *shardStage) begin(args []string) {
	s.now = epoch
	var session gateway.Session
	var backoff Backoff
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "session":
			session.ID = value
		case "url":
			session.ResumeURL = value
		case "seq":
			session.Seq = int64(s.number(value))
		case "max-backoff":
			backoff.Max = s.duration(value)
		case "discord-table":
			s.table = append(s.table, gateway.WithDecision(closecode.Type.Decision))
		default:
			require.Fail(s.t, arg)
		}
	}
	if s.table == nil {
		s.table = append(s.table, gateway.WithDecision(closecode.ResumeFirst))
	}
	s.options = append(s.options, WithRandom(func() float64 { return 0.5 }), WithBackoff(backoff))
	life, err := NewShard(append([]ShardOption{WithSession(session)}, s.options...)...)
	require.NoError(s.t, err)
	s.life = life
}

// store ends the process between two connections and starts the next one.
func (s *shardStage) store() {
	data, err := json.Marshal(s.life.State())
	require.NoError(s.t, err)
	s.say("%s", data)
	var state ShardState
	require.NoError(s.t, json.Unmarshal(data, &state))
	session := s.life.Session()
	s.life, err = NewShard(append([]ShardOption{WithSession(session), WithShardState(state)}, s.options...)...)
	require.NoError(s.t, err)
	s.state = nil
}

func (s *shardStage) fail(args []string) {
	f := DialFailure{Err: errors.New("connection refused")}
	if len(args) > 0 {
		f.RetryAfter = s.duration(args[0])
	}
	s.input(s.life.DialFailed(s.now, f))
}

// untilHello does what the machine says until Discord has said Hello.
func (s *shardStage) untilHello() {
	for range 10 {
		switch d := s.life.Decision(); d.Do {
		case ShardStart:
			s.input(s.life.Start(s.now))
		case ShardAsk:
			s.input(s.life.Granted(s.now, Grant{}))
		case ShardDial:
			s.input(s.life.Dialed(s.now))
		case ShardWait:
			s.pass(d.At)
		case ShardHold:
			s.discord("hello", nil)
			return
		default:
			require.Fail(s.t, d.Do.String())
		}
		if s.life.Decision().Do == ShardDial { // the rest is the same each time
			s.show()
		}
	}
}

// discord feeds the state with what Discord says.
func (s *shardStage) discord(verb string, args []string) {
	if s.state == nil && s.life.Phase().HasConnection() {
		s.connect()
	}
	require.NotNil(s.t, s.state, "%s without a connection", verb)
	switch verb {
	case "hello":
		s.hears(`{"op":10,"d":{"heartbeat_interval":45000}}`)
	case "ready":
		url := ""
		if len(args) > 1 {
			url = args[1]
		}
		s.hears(fmt.Sprintf(`{"op":0,"s":1,"t":"READY","d":{"session_id":%q,"resume_gateway_url":%q}}`, args[0], url))
	case "resumed":
		seq := "null"
		if len(args) > 0 {
			seq = args[0]
		}
		s.hears(`{"op":0,"s":` + seq + `,"t":"RESUMED","d":{}}`)
	case "event":
		s.hears(fmt.Sprintf(`{"op":0,"s":%s,"t":"TYPING_START","d":{}}`, args[0]))
	case "garbage":
		s.hears("}{")
	case "op7":
		s.hears(`{"op":7,"d":null}`)
	case "op9":
		s.hears(`{"op":9,"d":` + args[0] + `}`)
		s.pass(s.now.Add(5 * time.Second))
	case "bytes":
		s.traffic.Bytes += uint64(s.number(args[0]))
	case "busy":
		s.traffic.Busy = args[0] == "true"
	case "close":
		s.ended(s.state.ProcessCloseCode(closecode.Type(s.number(args[0])), "", io.Discard))
	case "cut":
		s.ended(io.ErrUnexpectedEOF)
	case "leave":
		s.ended(s.life.Decision().Err)
	case "left":
		session, _ := s.state.Session()
		s.input(s.life.Ended(s.now, End{Err: errors.New("the caller left"), Session: session, Seq: s.state.SequenceNumber(), Own: true}))
		s.state = nil
	case "forbidden":
		s.ended(fmt.Errorf("lease lost: %w", ErrNotPermitted))
	default:
		require.Fail(s.t, verb)
	}
}

func (s *shardStage) connect() {
	d := s.life.session
	options := append([]gateway.Option{gateway.WithSession(d), gateway.WithJitter(func() float64 { return 0.5 })}, s.table...)
	if p := s.life.presence; p != nil {
		options = append(options, gateway.WithPresence(p))
	}
	state, err := gateway.NewGatewayState("token", options...)
	require.NoError(s.t, err)
	state.Advance(s.now)
	s.state = state
}

func (s *shardStage) hears(msg string) {
	s.traffic.Bytes += uint64(len(msg))
	p, _, err := s.state.ProcessMessage([]byte(msg), s, io.Discard)
	if p != nil && p.EventName != "" {
		s.traffic.Events++
	}
	if err != nil {
		s.ended(err)
		return
	}
	s.life.Observe(s.now, s.state, s.traffic)
}

// Write shows what the state writes: identify and resume.
func (s *shardStage) Write(p []byte) (int, error) {
	var m struct {
		Op int
		D  struct {
			SessionID string `json:"session_id"`
			Seq       int64
			Presence  json.RawMessage
		}
	}
	if json.Unmarshal(p, &m) != nil {
		return len(p), nil // a heartbeat
	}
	switch m.Op {
	case 2:
		s.say("  wrote identify%s", strings.TrimRight(" "+string(m.D.Presence), " "))
	case 6:
		s.say("  wrote resume of %s at %d", m.D.SessionID, m.D.Seq)
	}
	return len(p), nil
}

func (s *shardStage) ended(err error) {
	session, _ := s.state.Session()
	e := End{Err: err, Session: session, Seq: s.state.SequenceNumber(), Traffic: s.traffic}
	s.state = nil
	s.input(s.life.Ended(s.now, e))
}

// pass lets time go by, with everything that is due on the way.
func (s *shardStage) pass(end time.Time) {
	for {
		next := s.life.NextDeadline()
		if s.state != nil {
			if at := s.state.NextDeadline(); next.IsZero() || !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		if next.IsZero() || next.After(end) {
			break
		}
		s.now = next
		s.life.HandleTimeout(s.now, s.traffic)
		if s.state != nil {
			s.state.Advance(s.now)
			s.state.Alive()
			if err := s.state.HandleTimeout(s.now, s, io.Discard); err != nil {
				s.ended(err)
			}
		}
		s.show()
	}
	if end.After(s.now) {
		s.now = end
	}
	if s.state != nil {
		s.state.Advance(s.now)
	}
}

func (s *shardStage) until() time.Time {
	at := s.life.NextDeadline()
	require.False(s.t, at.IsZero(), "nothing to wait for")
	return at
}

func (s *shardStage) input(err error) {
	if err != nil {
		s.say("%v", err)
	}
}

// show tells what to do next, if that has changed.
func (s *shardStage) show() {
	d := s.life.Decision()
	text := d.Do.String()
	switch d.Do {
	case ShardAsk, ShardDial:
		what, where := "to identify", "the ordinary url"
		if !d.Identifies() {
			what = fmt.Sprintf("to resume %s at %d", d.Session.ID, d.Session.Seq)
		}
		if d.AtResumeURL {
			where = "the resume url"
		}
		text += " " + what + " at " + where
		if d.Do == ShardDial {
			text += fmt.Sprintf(" within %v", d.Limit)
		}
	case ShardHold:
		text += ", " + s.life.Phase().String()
	case ShardWait:
		text += fmt.Sprintf(" %v: %v, %d failures (%v)", d.At.Sub(s.now), d.Why, d.Failures, d.Err)
	case ShardLeave, ShardStop:
		text += ": " + fmt.Sprint(d.Err)
	}
	if text == s.last {
		return
	}
	s.last = text
	s.say("%-8v %s", s.now.Sub(epoch).Round(time.Millisecond), text)
}

func (s *shardStage) say(format string, args ...any) {
	fmt.Fprintf(&s.out, format+"\n", args...)
}

func (s *shardStage) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	require.NoError(s.t, err)
	return d
}

func (s *shardStage) number(text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(s.t, err)
	return n
}
