package lifecycle

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/golden"
)

// TestSharedScenarios plays the scripts of testdata/shared, one for each rule.
func TestSharedScenarios(t *testing.T) {
	golden.ScenariosIn(t, "shared", func(t *testing.T) func(string) string {
		return (&sharedStage{t: t}).carryOut
	})
}

const (
	ordinaryHost = "wss://gateway.test/"
	resumeHost   = "wss://resume.test/"
)

// A sharedStage is a bot with several shards, what they share, and a Discord
// that answers as the script says. Answers take 100 ms, silence takes as long as
// the shard is willing to wait.
type sharedStage struct {
	t      *testing.T
	now    time.Time
	rng    *rand.Rand
	shared *Shared
	shards []*stageShard
	hosts  map[string]stageHost
	quiet  bool // count what happens, do not tell it
	out    strings.Builder
	counts map[string]int
	lastUp time.Time
}

type stageHost struct {
	silent bool
	status int
	after  time.Duration // Retry-After
}

type stageShard struct {
	id      uint
	life    *Shard
	session gateway.Session
	at      time.Time // of the answer that the shard waits for
	answer  func()
}

func (s *sharedStage) carryOut(line string) string {
	s.out.Reset()
	words := strings.Fields(line)
	args := words[1:]
	switch words[0] {
	case "new":
		s.begin(args)
	case "host": // host NAME up|silent|STATUS [RETRY-AFTER]
		s.host(args)
	case "start":
		for _, sh := range s.shards {
			require.NoError(s.t, sh.life.Start(s.now))
			s.follow(sh)
		}
		s.summary()
	case "cut": // cut all|ID
		s.end(args[0], io.ErrUnexpectedEOF, true)
	case "lose": // lose all|ID: the session, too
		s.end(args[0], &gateway.DiscordError{CloseCode: 4007}, false)
	case "learn":
		err := s.shared.Budget().Learn(s.now, s.number(args[0]), s.number(args[1]), s.duration(args[2]))
		s.say("learned: %v, limit %d, reserved %d, left %d", err, s.shared.Budget().Limit(), s.shared.Budget().Reserved(), s.shared.Budget().Left(s.now))
	case "pass":
		s.pass(s.duration(args[0]))
	case "store":
		s.store()
	default:
		require.Fail(s.t, line)
	}
	return s.out.String()
}

// begin makes the bot: shards=N sessions quiet limit=N reserved=N.
func (s *sharedStage) begin(args []string) {
	s.now, s.rng, s.counts = epoch, rand.New(rand.NewPCG(1, 2)), map[string]int{}
	s.hosts = map[string]stageHost{ordinaryHost: {}, resumeHost: {}}
	shards, sessions := 1, false
	var budget []BudgetOption
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "shards":
			shards = s.number(value)
		case "sessions":
			sessions = true
		case "quiet":
			s.quiet = true
		case "limit":
			budget = append(budget, WithStarts(s.number(value)))
		case "reserved":
			budget = append(budget, WithReservedStarts(s.number(value)))
		default:
			require.Fail(s.t, arg)
		}
	}
	var err error
	s.shared, err = NewShared(WithBudget(budget...), WithSharedRandom(s.rng.Float64))
	require.NoError(s.t, err)
	for id := range shards {
		sh := &stageShard{id: uint(id)}
		if sessions {
			sh.session = gateway.Session{ID: fmt.Sprint("s", id), ResumeURL: resumeHost, Seq: 1}
		}
		sh.life, err = NewShard(WithSession(sh.session), WithRandom(s.rng.Float64))
		require.NoError(s.t, err)
		s.shards = append(s.shards, sh)
	}
}

func (s *sharedStage) host(args []string) {
	name := map[string]string{"ordinary": ordinaryHost, "resume": resumeHost}[args[0]]
	var h stageHost
	switch args[1] {
	case "up":
	case "silent":
		h.silent = true
	default:
		h.status = s.number(args[1])
	}
	if len(args) > 2 {
		h.after = s.duration(args[2])
	}
	s.hosts[name] = h
	s.lastUp = s.now
}

// follow does what a shard decides until it waits for something.
func (s *sharedStage) follow(sh *stageShard) {
	for {
		d := sh.life.Decision()
		sh.answer = nil
		switch d.Do {
		case ShardAsk:
			r := Request{Shard: sh.id, Identifies: d.Identifies(), Host: ordinaryHost}
			if d.AtResumeURL {
				r.ResumeHost = HostOf(d.Session.ResumeURL)
			}
			a := s.shared.Ask(s.now, r)
			if a.OK {
				require.NoError(s.t, sh.life.Granted(s.now, a.Grant))
				continue
			}
			require.NoError(s.t, sh.life.Refused(s.now, a.Until, a.Why))
			continue
		case ShardDial:
			s.dial(sh, d)
		case ShardWait:
			if at, wake := s.shared.Waits(s.now, sh.id); wake {
				require.NoError(s.t, sh.life.Woken(s.now, at))
				d = sh.life.Decision()
			}
			s.event("shard %d waits %v: %v", sh.id, d.At.Sub(s.now).Round(time.Millisecond), d.Why)
		case ShardStop:
			s.event("shard %d stops: %v", sh.id, d.Err)
		}
		return
	}
}

func (s *sharedStage) dial(sh *stageShard, d ShardDecision) {
	name := ordinaryHost
	if d.AtResumeURL {
		name = resumeHost
	}
	h := s.hosts[name]
	s.count("dial " + name)
	took := 100 * time.Millisecond
	if h.silent {
		took = d.Limit
	}
	sh.at, sh.answer = s.now.Add(took), func() {
		h := s.hosts[name]
		if !h.silent && h.status == 0 && took < d.Limit {
			s.login(sh, d, name)
			return
		}
		s.event("shard %d at %s: no answer, or %d", sh.id, name, h.status)
		s.shared.DialFailed(s.now, sh.id, name, HostFailure{Status: h.status, RetryAfter: h.after})
		require.NoError(s.t, sh.life.DialFailed(s.now, DialFailure{Err: errors.New("no answer"), RetryAfter: h.after}))
		s.follow(sh)
	}
}

func (s *sharedStage) login(sh *stageShard, d ShardDecision, name string) {
	s.shared.Dialed(name)
	require.NoError(s.t, sh.life.Dialed(s.now))
	require.NoError(s.t, sh.life.Hello(s.now))
	require.NoError(s.t, sh.life.Authenticated(s.now, !d.Identifies(), Traffic{}))
	verb := "resumes at " + name
	if d.Identifies() {
		s.shared.Identified(s.now, sh.id)
		verb = "identifies"
	}
	s.event("shard %d %s", sh.id, verb)
	sh.at, sh.answer = s.now.Add(100*time.Millisecond), func() {
		sh.answer = nil
		s.lastUp = s.now
		if d.Identifies() {
			sh.session = gateway.Session{ID: fmt.Sprint("s", sh.id, "-", s.now.Unix()), ResumeURL: resumeHost, Seq: 1}
		}
		require.NoError(s.t, sh.life.Activated(s.now, sh.session, sh.session.Seq))
		for _, w := range s.shared.Through(s.now, sh.id) {
			s.event("shard %d wakes shard %d", sh.id, w.Shard)
			require.NoError(s.t, s.shards[w.Shard].life.Woken(s.now, w.At))
		}
	}
}

// end ends connections, and their sessions if they are not kept.
func (s *sharedStage) end(which string, err error, kept bool) {
	for _, sh := range s.shards {
		if which != "all" && which != fmt.Sprint(sh.id) || !sh.life.Phase().HasConnection() {
			continue
		}
		if !kept {
			sh.session = gateway.Session{}
		}
		sh.session.Seq++
		if !kept {
			sh.session = gateway.Session{}
		}
		require.NoError(s.t, sh.life.Ended(s.now, End{Err: err, Session: sh.session, Seq: sh.session.Seq}))
		s.follow(sh)
	}
	s.summary()
}

// pass lets time pass.
func (s *sharedStage) pass(d time.Duration) {
	end := s.now.Add(d)
	for {
		var first *stageShard
		at := end
		for _, sh := range s.shards {
			next := sh.life.NextDeadline()
			if sh.answer != nil {
				next = sh.at
			}
			if !next.IsZero() && sh.life.Phase() != ShardActive && !next.After(at) && (first == nil || next.Before(at)) {
				first, at = sh, next
			}
		}
		s.now = at
		if first == nil {
			break
		}
		if first.answer != nil {
			first.answer()
			continue
		}
		first.life.HandleTimeout(s.now, Traffic{})
		s.follow(first)
	}
	s.summary()
}

// store ends the process and starts the next one, with the budget of the old one.
func (s *sharedStage) store() {
	state := s.shared.Budget().State()
	s.say("stored: %d minutes", len(state.Minutes))
	budget, err := NewBudget(WithStarts(s.shared.Budget().Limit()), WithBudgetState(state))
	require.NoError(s.t, err)
	require.Equal(s.t, s.shared.Budget().Used(s.now), budget.Used(s.now))
	s.shared.budget = budget
}

func (s *sharedStage) event(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !s.quiet {
		fmt.Fprintf(&s.out, "%-9s %s\n", s.now.Sub(epoch).Round(time.Millisecond), text)
	}
	switch {
	case strings.Contains(text, "identifies"):
		s.count("identify")
	case strings.Contains(text, "resumes"):
		s.count("resume")
	case strings.Contains(text, "wakes"):
		s.count("wake")
	}
}

func (s *sharedStage) count(what string) { s.counts[what]++ }

func (s *sharedStage) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// summary tells how many shards are up, and what was counted since the last one.
func (s *sharedStage) summary() {
	up, waits := 0, map[ShardReason]int{}
	for _, sh := range s.shards {
		if sh.life.Phase() == ShardActive {
			up++
		}
		if d := sh.life.Decision(); d.Do == ShardWait {
			waits[d.Why]++
		}
	}
	line := fmt.Sprintf("%-9s %d of %d up", s.now.Sub(epoch).Round(time.Millisecond), up, len(s.shards))
	for why := range numShardReasons {
		if n := waits[why]; n > 0 {
			line += fmt.Sprintf(", %d wait: %v", n, why)
		}
	}
	for _, what := range []string{"dial " + resumeHost, "dial " + ordinaryHost, "identify", "resume", "wake"} {
		if n := s.counts[what]; n > 0 && s.quiet {
			line += fmt.Sprintf("; %s %d", what, n)
		}
	}
	if up == len(s.shards) && !s.lastUp.IsZero() && s.quiet {
		line += fmt.Sprintf("; the last at %v", s.lastUp.Sub(epoch).Round(time.Millisecond))
	}
	clear(s.counts)
	s.say("%s", line)
}

func (s *sharedStage) number(text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(s.t, err)
	return n
}

func (s *sharedStage) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	require.NoError(s.t, err)
	return d
}
