package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewaytest/world"
)

// A Trouble is one thing that goes wrong in a [Sim], at a time. It goes wrong
// in one of five ways: a Fault of the server, on the connection of a client, on
// its next dial if it is one of those, or on the next connection that any client
// opens; a network that breaks (Break); hosts
// that do not answer, or with an HTTP status (Outage); a session that the server
// does not serve any more without saying so (Dead); a process that is killed and
// started anew (Restart).
type Trouble struct {
	At     time.Duration `json:"at"`               // since the start
	Client int           `json:"client,omitempty"` // of Fault, Break and Dead

	Fault *world.Fault `json:"fault,omitempty"`
	Next  bool         `json:"next,omitempty"` // the fault is for the next connection of any client
	Break bool         `json:"break,omitempty"`

	Outage     string        `json:"outage,omitempty"`      // "resume", "ordinary" or "all": which hosts
	For        time.Duration `json:"for,omitempty"`         // of Outage: how long
	Status     int           `json:"status,omitempty"`      // of Outage: zero for silence
	RetryAfter time.Duration `json:"retry_after,omitempty"` // of Outage, with a status

	Dead    string `json:"dead,omitempty"` // how RESUME is answered: "cut", "silence", "reconnect", "invalid" or a close code
	Restart bool   `json:"restart,omitempty"`
}

// A Script is what goes wrong in a [Sim], in the order of time. Its text has one
// line of JSON for each trouble, durations in nanoseconds.
type Script []Trouble

// MarshalText implements [encoding.TextMarshaler].
func (s Script) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	for _, t := range s {
		line, err := json.Marshal(t)
		if err != nil {
			return nil, fmt.Errorf("sim: script: %w", err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes(), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. Empty lines are skipped.
func (s *Script) UnmarshalText(text []byte) error {
	var read Script
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		var t Trouble
		if err := json.Unmarshal([]byte(line), &t); err != nil {
			return fmt.Errorf("sim: script: line %d: %w", len(read)+1, err)
		}
		read = append(read, t)
	}
	*s = read
	return nil
}

// deadAnswers are the ways in which Discord fails to answer RESUME.
var deadAnswers = []string{"cut", "silence", "reconnect", "invalid", "1000", "1011", "1012", "4000", "4003", "4006", "4008", "4900"}

// Draw makes a script of what goes wrong until the end of the events of s. It
// depends on the seed and on nothing that happens.
func (s Sim) Draw() Script {
	s = s.withDefaults()
	if s.FaultEvery < 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0x3c6ef372fe94f82b))
	end := time.Duration(float64(s.Dispatches) / s.Rate * float64(time.Second))
	var script Script
	for at := time.Duration(0); ; {
		at += time.Duration(rng.ExpFloat64() * float64(s.FaultEvery) / float64(s.Clients))
		if at > end {
			return script
		}
		script = append(script, s.draw(rng, at))
	}
}

func (s Sim) draw(rng *rand.Rand, at time.Duration) Trouble {
	t := Trouble{At: at, Client: rng.IntN(s.Clients)}
	if s.Outages > 0 && rng.Float64() < float64(s.FaultEvery)/float64(s.Clients)/float64(s.Outages) {
		s.drawOutage(rng, &t)
		return t
	}
	switch n := rng.IntN(60); {
	case n < 20:
		t.Break = true
	case n == 20 && s.Outages > 0:
		t.Dead = deadAnswers[rng.IntN(len(deadAnswers))]
	default:
		f := s.Faults[rng.IntN(len(s.Faults))]
		t.Fault, t.Next = &f, !f.OnDial() && s.Outages > 0 && rng.IntN(8) == 0
	}
	return t
}

// drawOutage draws what is about all clients. An outage of resume hosts may take
// hours, as in the field; others take minutes.
func (s Sim) drawOutage(rng *rand.Rand, t *Trouble) {
	t.Client = 0
	upTo := func(d time.Duration) time.Duration { return time.Second + time.Duration(rng.Int64N(int64(d))) }
	switch rng.IntN(6) {
	case 0, 1:
		t.Outage, t.For = "resume", upTo(14*time.Hour)
	case 2:
		t.Outage, t.For = "ordinary", upTo(10*time.Minute)
	case 3, 4:
		t.Outage, t.For = "all", upTo(10*time.Minute)
	default:
		t.Restart = true
		return
	}
	switch rng.IntN(4) {
	case 0:
		t.Status = 503
	case 1:
		t.Status, t.RetryAfter = 429, upTo(2*time.Minute)
	}
}

// strike lets the troubles happen that are due.
func (m *simulation) strike() {
	for len(m.script) > 0 && m.script[0].At <= m.now {
		t := m.script[0]
		m.script = m.script[1:]
		if m.endsBy == 0 {
			m.apply(t)
		}
	}
	if len(m.script) > 0 {
		m.heap.push(simEvent{at: m.script[0].At, kind: simFault})
	}
}

func (m *simulation) apply(t Trouble) {
	switch {
	case t.Outage != "":
		m.SimResult.Faults++
		m.outage(t)
	case t.Restart:
		m.SimResult.Faults++
		m.restart()
	case t.Client < 0 || t.Client >= len(m.clients):
	case t.Break:
		if l := m.clients[t.Client].link; l != nil {
			m.SimResult.Faults++
			l.breakNow()
		}
	case t.Dead != "":
		m.kill(m.clients[t.Client], t.Dead)
	case t.Fault != nil && t.Next && (m.endsSession(*t.Fault) || t.Fault.Code == closecode.SessionTimedOut):
		// Said before RESUME was read, it would end a session that the world
		// still serves; after 4009 in answer to RESUME a client identifies.
	case t.Fault != nil && t.Fault.OnDial():
		m.clients[t.Client].nextDial = *t.Fault
	case t.Fault != nil && t.Next:
		_ = m.world.InjectNext(*t.Fault, 1) // the kind is known
	case t.Fault != nil:
		m.inject(m.clients[t.Client], *t.Fault)
	}
}

// refusedNext reports whether the dial of a link is the next one of its client
// that a fault is for, and with which status it is refused.
func (l *simLink) refusedNext() (status int, refused bool) {
	f := l.client.nextDial
	if f.Kind != world.Refuse && (f.Kind != world.DeadResume || l.host == ordinaryHost) {
		return 0, false
	}
	l.m.SimResult.Faults++
	l.client.nextDial = world.Fault{}
	return 503, true
}

func (m *simulation) inject(c *simClient, f world.Fault) {
	switch {
	case c.link == nil || c.link.conn == nil || c.link.conn.Closed():
	case c.link.conn.Session() == nil && m.endsSession(f):
		// It would end a session that the world cannot tell.
	default:
		_ = c.link.conn.Inject(m.time(), f) // the kind is known
	}
}

func (m *simulation) endsSession(f world.Fault) bool {
	return f.Kind == world.InvalidSession && !f.Resumable || f.Kind == world.Close && f.Code != 0 && m.world.EndsSession(f.Code)
}

// kill lets the world not serve a session any more, without telling.
func (m *simulation) kill(c *simClient, answer string) {
	if c.link == nil || c.link.conn == nil || c.link.conn.Session() == nil || m.dead[c.link.conn.SessionID()] != "" {
		return
	}
	m.SimResult.Faults++
	m.Dead++
	m.dead[c.link.conn.SessionID()] = answer
	c.link.breakNow()
}

// refuseDead answers the RESUME of a dead session, and reports whether it is one.
func (l *simLink) refuseDead(data []byte) bool {
	answer := l.m.deadAnswer(data)
	if answer == "" || l.conn.Session() != nil {
		return false
	}
	f := world.Fault{Kind: world.Close}
	switch answer {
	case "cut":
		f = world.Fault{Kind: world.Cut}
	case "silence":
		f = world.Fault{Kind: world.Zombie}
	case "reconnect":
		f = world.Fault{Kind: world.Reconnect}
	case "invalid":
		f = world.Fault{Kind: world.InvalidSession, Resumable: true}
	default:
		_, _ = fmt.Sscan(answer, &f.Code)
	}
	_ = l.conn.Inject(l.m.time(), f) // the kind is known
	l.rearmServer()
	return true
}

// deadAnswer returns how a message is answered that resumes a dead session.
func (m *simulation) deadAnswer(data []byte) string {
	if len(m.dead) == 0 || m.Params.Encoding != "json" {
		return ""
	}
	var p struct {
		Op   int `json:"op"`
		Data struct {
			SessionID string `json:"session_id"`
		} `json:"d"`
	}
	if !bytes.HasPrefix(data, []byte(`{"op":6,`)) || json.Unmarshal(data, &p) != nil {
		return ""
	}
	return m.dead[p.Data.SessionID]
}

// restart kills the process of the bot and starts the next one, which knows what
// was stored.
func (m *simulation) restart() {
	if err := m.restartAll(); err != nil {
		m.problem("%v", err)
	}
}

func (m *simulation) restartAll() error {
	state, err := m.storedBudget()
	if err != nil {
		return err
	}
	if err := m.share(state); err != nil {
		return err
	}
	for _, c := range m.clients {
		if c.stopped {
			continue
		}
		session, life, err := c.store()
		if err != nil {
			return err
		}
		if l := c.link; l != nil {
			l.clientDone, c.link = true, nil
			if l.conn != nil {
				l.broken = m.now
				m.heap.push(simEvent{at: m.now + m.upTo(15*time.Second), kind: simServerLost, link: l, owner: c})
			}
		}
		if err := c.begin(session, life); err != nil {
			return fmt.Errorf("client %d: %w", c.id, err)
		}
		c.timerAt = 0
		c.arm(m.time().Add(m.upTo(10 * time.Second)))
	}
	return nil
}

// everyFault lists the faults of the server that are drawn.
func everyFault() []world.Fault {
	return []world.Fault{
		{Kind: world.Cut}, {Kind: world.Cut, After: 1}, {Kind: world.Cut, After: 50}, {Kind: world.Cut, After: 1000},
		{Kind: world.Stall}, {Kind: world.Stall, For: 10 * time.Second}, {Kind: world.Zombie},
		{Kind: world.Reconnect}, {Kind: world.Reconnect, After: 3},
		{Kind: world.InvalidSession}, {Kind: world.InvalidSession, Resumable: true},
		{Kind: world.Close}, {Kind: world.Close, Code: closecode.SessionTimedOut}, {Kind: world.Close, Code: closecode.Restart}, {Kind: world.Close, Code: closecode.RateLimited},
		{Kind: world.Garbage}, {Kind: world.Giant, Size: simGiant}, {Kind: world.Drip}, {Kind: world.Refuse}, {Kind: world.DeadResume},
	}
}
