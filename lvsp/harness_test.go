package lvsp_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/stretchr/testify/require"
)

var (
	epoch  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	secret = []byte("0123456789abcdefghijklmnopqrstuv")
	other  = []byte("another secret, of another backend")
)

// counter is a random source without surprises.
type counter struct{ n byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = c.n
		c.n = (c.n + 7) % 251
	}
	return len(b), nil
}

// A harness runs scenarios: a voice server, backends, and a clock.
type harness struct {
	t       *testing.T
	now     time.Time
	server  *lvsp.Server
	random  io.Reader
	host    *scriptedHost
	links   map[string]*lvsp.Link
	nonces  map[string]string // by link, as the others
	ids     map[string]string // of sessions
	voices  map[string]string // session ids of voice states
	clients map[string]*actor
	trace   strings.Builder
}

// An actor is a backend that uses a Client.
type actor struct {
	name   string
	client *lvsp.Client
	link   *lvsp.Link // nil while there is none
	mute   bool       // what it sends does not arrive
}

func newHarness(t *testing.T) *harness {
	s := &harness{t: t, now: epoch, random: &counter{}, links: map[string]*lvsp.Link{}, nonces: map[string]string{}, ids: map[string]string{}, voices: map[string]string{}, clients: map[string]*actor{}}
	s.host = newHost(s)
	s.serve(nil)
	return s
}

// serve starts a voice server that knows nothing.
func (s *harness) serve(args []string) {
	first := lvsp.Backend{Name: "one", Secret: sealed(secret)}
	options := []lvsp.ServerOption{lvsp.WithRandom(s.random), lvsp.WithBackend(lvsp.Backend{Name: "two", Secret: sealed(other)})}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "plain":
			first.AllowPlain = true
		case "dialect":
			first.Dialect = s.dialect(v)
		case "seconds":
			options = append(options, lvsp.WithHelloSeconds())
		case "links":
			options = append(options, lvsp.WithLinks(s.number(v)))
		case "replay":
			options = append(options, lvsp.WithReplay(s.number(v), 1<<20, time.Minute))
		case "queue":
			options = append(options, lvsp.WithTable(3, 3, s.number(v)))
		case "rate":
			options = append(options, lvsp.WithMessageRate(s.number(v), 10*time.Second))
		default:
			s.t.Fatalf("unknown option %q", a)
		}
	}
	var err error
	s.server, err = lvsp.NewServer(append(options, lvsp.WithBackend(first))...)
	require.NoError(s.t, err)
	s.server.SetHealth(s.host.health)
}

func (s *harness) dialect(name string) lvsp.Dialect {
	d, ok := lvsp.ParseDialect(name)
	require.True(s.t, ok, name)
	return d
}

func (s *harness) number(text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(s.t, err)
	return n
}

func (s *harness) print(format string, args ...any) { fmt.Fprintf(&s.trace, format+"\n", args...) }

// run performs one command and returns what came of it.
func (s *harness) run(line string) string {
	s.trace.Reset()
	words := strings.Fields(line)
	args := words[1:]
	switch words[0] {
	case "serve":
		s.host.reset()
		s.serve(args)
	case "link":
		s.links[args[0]] = s.server.Accept(s.now)
	case "send":
		s.send(args[0], strings.SplitN(line, " ", 3)[2])
	case "burst":
		for range s.number(args[1]) {
			s.send(args[0], `{"op":4,"d":{}}`)
		}
	case "huge":
		s.send(args[0], `{"op":4,"x":"`+strings.Repeat("x", lvsp.MaxMessage)+`","d":{}}`)
	case "claim": // what the header of a frame says
		s.links[args[0]].TooLarge(s.now)
	case "pong":
		s.links[args[0]].Alive(s.now)
	case "lose":
		s.links[args[0]].Lost(s.now)
	case "close":
		s.server.Close(s.now, "going away")
	case "advance":
		s.advance(args[0])
	case "host":
		s.host.order(args)
	case "end":
		s.end(args[0], s.expand(args[1]))
	case "states":
		for _, v := range s.server.VoiceStates() {
			s.print("%s", describe(v))
		}
	default:
		s.runClient(words[0], args)
	}
	s.exchange()
	return s.trace.String()
}

// end is what a host does by itself.
func (s *harness) end(backend, session string) {
	for _, v := range s.server.VoiceStates() {
		if v.Backend == backend && v.SessionID == session {
			if s.server.EndVoiceState(s.now, v) {
				delete(s.host.states, stateKey(v))
			} else {
				s.print("not now")
			}
			return
		}
	}
	s.print("%v", s.server.EndVoiceState(s.now, lvsp.VoiceState{Backend: backend, Channel: 1, User: 1, SessionID: session}))
}

func (s *harness) send(name, text string) {
	text = strings.ReplaceAll(text, "$hmac", lvsp.Sign(secret, s.nonces[name]))
	text = strings.ReplaceAll(text, "$other", lvsp.Sign(other, s.nonces[name]))
	text = strings.ReplaceAll(text, "$plain", string(secret))
	s.links[name].Receive(s.now, []byte(s.expand(text)))
	s.host.serve()
}

// expand fills in ids that were made up.
func (s *harness) expand(text string) string {
	return ids.ReplaceAllStringFunc(text, func(which string) string {
		kind, link, _ := strings.Cut(which[1:], ":")
		return map[string]string{"session": s.ids[link], "voice": s.voices[link]}[kind]
	})
}

func (s *harness) advance(by string) {
	d, err := time.ParseDuration(by)
	require.NoError(s.t, err)
	until := s.now.Add(d)
	for {
		at := s.server.NextDeadline()
		for _, l := range s.everyLink() {
			at = soonest(at, l.NextDeadline())
		}
		for _, a := range s.clients {
			at = soonest(at, a.client.NextDeadline())
		}
		if at.IsZero() || at.After(until) {
			break
		}
		s.now = at
		s.server.HandleTimeout(s.now)
		s.host.serve()
		for _, l := range s.everyLink() {
			l.HandleTimeout(s.now)
			s.host.serve()
		}
		for _, name := range slices.Sorted(maps.Keys(s.clients)) {
			s.clients[name].client.HandleTimeout(s.now)
		}
		s.exchange()
		require.False(s.t, s.server.NextDeadline().Equal(at) && at.Before(s.now), "time stands still")
	}
	s.now = until
}

func (s *harness) everyLink() []*lvsp.Link {
	var all []*lvsp.Link
	for _, name := range slices.Sorted(maps.Keys(s.links)) {
		all = append(all, s.links[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.clients)) {
		if l := s.clients[name].link; l != nil {
			all = append(all, l)
		}
	}
	return all
}

func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// exchange moves frames until nothing is left to say.
func (s *harness) exchange() {
	for again := true; again; {
		again = false
		s.host.serve()
		s.server.Ready()
		for _, name := range slices.Sorted(maps.Keys(s.links)) {
			for f, ok := s.links[name].Next(); ok; f, ok = s.links[name].Next() {
				again = true
				s.print("%s < %s", name, s.show(f))
				s.learn(name, f.Data)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.clients)) {
			again = s.clients[name].exchange(s) || again
		}
	}
}

var (
	nonce   = regexp.MustCompile(`"nonce":"([^"]*)"`)
	session = regexp.MustCompile(`"session":"([^"]*)"`)
	ids     = regexp.MustCompile(`\$(session|voice):\w+`)
	voice   = regexp.MustCompile(`"session_id":"([^"]*)"`)
)

// learn remembers what later commands may name.
func (s *harness) learn(link string, msg []byte) {
	for to, pattern := range map[*map[string]string]*regexp.Regexp{&s.nonces: nonce, &s.ids: session, &s.voices: voice} {
		if m := pattern.FindSubmatch(msg); m != nil {
			(*to)[link] = string(m[1])
		}
	}
}

func (s *harness) show(f lvsp.Frame) string {
	if f.Kind == lvsp.FrameClose {
		code, reason := f.Close()
		return fmt.Sprintf("close %d %s", code, reason)
	}
	text := strings.ReplaceAll(string(f.Data), `,"dialects":["seed","wire-2022","final","extended"]`, "")
	return text
}

func describe(v lvsp.VoiceState) string {
	return fmt.Sprintf("%s: user %d in %d of %d, session %s, flags %05b, dave %t", v.Backend, v.User, v.Channel, v.Guild, v.SessionID, v.Flags, !v.WithoutDAVE)
}

// exchange moves frames between a client and its link.
func (a *actor) exchange(s *harness) (moved bool) {
	for f, ok := a.client.Next(); ok; f, ok = a.client.Next() {
		moved = true
		if a.mute || a.link == nil {
			s.print("%s > (lost) %s", a.name, s.show(f))
			continue
		}
		s.print("%s > %s", a.name, s.show(f))
		if f.Kind == lvsp.FrameText {
			a.link.Receive(s.now, bytes.Clone(f.Data))
			s.host.serve()
			continue
		}
		a.link.Lost(s.now)
		code, reason := f.Close()
		a.lose(s, code, reason)
	}
	for a.link != nil {
		f, ok := a.link.Next()
		if !ok {
			break
		}
		moved = true
		s.print("%s < %s", a.name, s.show(f))
		s.learn(a.name, f.Data)
		if f.Kind == lvsp.FrameText {
			a.client.Receive(s.now, bytes.Clone(f.Data))
			continue
		}
		code, reason := f.Close()
		a.lose(s, code, reason)
	}
	for e, ok := a.client.NextEvent(); ok; e, ok = a.client.NextEvent() {
		moved = true
		s.print("%s: %s", a.name, s.event(e))
	}
	return moved
}

func (a *actor) lose(s *harness, code lvsp.CloseCode, reason string) {
	a.link, a.mute = nil, false
	a.client.Lost(s.now, code, reason)
}

func (s *harness) event(e lvsp.Event) string {
	switch e := e.(type) {
	case lvsp.Disconnected:
		if e.RetryAt.IsZero() {
			return fmt.Sprintf("disconnected with %d (%v) %s, for good", e.Code, e.Code, e.Reason)
		}
		return fmt.Sprintf("disconnected with %d (%v) %s, retry in %v", e.Code, e.Code, e.Reason, e.RetryAt.Sub(s.now))
	case lvsp.StateCreated:
		return fmt.Sprintf("created %s, %s at %s, known %t", describe(e.State), e.Token, e.Endpoint, e.Known)
	case lvsp.StateEnded:
		return "ended " + describe(e.State)
	case lvsp.Refused:
		return e.Err.Error()
	}
	return fmt.Sprintf("%T%+v", e, e)
}

// sealed returns a secret, the zero one if it is too short.
func sealed(b []byte) lvsp.Secret {
	s, _ := lvsp.NewSecret(b)
	return s
}
