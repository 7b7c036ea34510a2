package world_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/intent"
	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A harness runs scenarios: a world, its clients, and a clock.
type harness struct {
	t     *testing.T
	world *world.World
	now   time.Time
	cast  []*actor
	trace strings.Builder
}

// An actor is a client: a state, or nothing but bytes.
type actor struct {
	name  string
	conn  *world.Conn
	state *gateway.GatewayState // nil: raw
	deaf  bool                  // does not read
	over  bool
}

// open returns a world.
func open(t testing.TB, options ...world.Option) *world.World {
	w, err := world.New(options...)
	require.NoError(t, err)
	return w
}

func newHarness(t *testing.T) *harness {
	return &harness{t: t, now: epoch, world: open(t, world.WithGuilds(1, 5))}
}

// run performs one command and returns what came of it.
func (s *harness) run(line string) string {
	s.trace.Reset()
	words := strings.Fields(line)
	args, rest := words[1:], ""
	if len(args) > 0 {
		_, rest, _ = strings.Cut(line, words[0]+" "+args[0]+" ")
	}
	switch words[0] {
	case "world":
		s.world = open(s.t, s.options(args)...)
	case "connect":
		s.connect(args)
	case "raw":
		s.raw(s.actor(args[0]), rest)
	case "huge":
		s.raw(s.actor(args[0]), `{"op":1,"d":null,"x":"`+strings.Repeat("x", s.number(args[1])-24)+`"}`)
	case "burst":
		for range s.number(args[1]) {
			s.actor(args[0]).conn.Receive(s.now, []byte(`{"op":1,"d":null}`), false)
		}
	case "write":
		op := command.Type(s.number(args[1]))
		_, rest, _ = strings.Cut(rest, args[1]+" ")
		if err := s.actor(args[0]).state.Write(up{s, s.actor(args[0])}, op, []byte(rest)); err != nil {
			s.print("%s: %v", args[0], err)
		}
	case "dispatch":
		receivers, err := s.world.Dispatch(s.now, event.Type(args[0]), rest)
		require.NoError(s.t, err)
		s.print("%d sessions", len(receivers))
	case "fault":
		s.fault(args)
	case "advance":
		s.advance(args[0])
	case "lose":
		s.lose(s.actor(args[0]))
	case "skip": // what a deaf client did not read is lost, one frame of it
		a := s.actor(args[0])
		f, _ := a.conn.Next()
		s.print("%s misses %s", a.name, f.Data)
		a.deaf = false
	case "deaf":
		s.actor(args[0]).deaf = true
	case "ops":
		s.everyOpcode()
	case "closes":
		s.everyCloseCode()
	case "violations":
		for _, v := range s.world.Violations() {
			text, _, _ := strings.Cut(v.Text, "json:") // what follows depends on the version of Go
			s.print("connection %d: %s", v.Conn, strings.TrimSpace(text))
		}
	default:
		s.t.Fatalf("unknown command %q", line)
	}
	s.exchange()
	return s.trace.String()
}

var sessionID = regexp.MustCompile(`[0-9a-f]{32}`)

func (s *harness) print(format string, args ...any) {
	line := sessionID.ReplaceAllStringFunc(fmt.Sprintf(format, args...), func(id string) string { return "session" })
	if len(line) > 140 {
		line = line[:140] + "..."
	}
	fmt.Fprintf(&s.trace, "%8s %s\n", "+"+s.now.Sub(epoch).String(), line)
}

func (s *harness) number(text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(s.t, err)
	return n
}

func (s *harness) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	require.NoError(s.t, err)
	return d
}

func (s *harness) actor(name string) *actor {
	for _, a := range s.cast {
		if a.name == name {
			return a
		}
	}
	s.t.Fatalf("nobody is called %q", name)
	return nil
}

func (s *harness) options(args []string) (options []world.Option) {
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "token":
			options = append(options, world.WithToken(value))
		case "guilds":
			options = append(options, world.WithGuilds(s.number(value), 5))
		case "pershard":
			options = append(options, world.WithGuildsPerShard(s.number(value)))
		case "starts":
			options = append(options, world.WithSessionStarts(s.number(value)))
		case "replay":
			options = append(options, world.WithReplay(s.number(value), 1<<20, time.Hour))
		case "life":
			options = append(options, world.WithSessionLife(s.duration(value)))
		case "privileged":
			allowed, err := intent.Parse(value)
			require.NoError(s.t, err)
			options = append(options, world.WithPrivilegedIntents(allowed))
		default:
			s.t.Fatalf("unknown option %q", arg)
		}
	}
	return options
}

// connect opens a connection: connect NAME [raw] [as OLD] [v=10] [encoding=json] [compress=...] [intents=...]
func (s *harness) connect(args []string) {
	a := &actor{name: args[0]}
	p := world.Params{Version: "10", Encoding: "json"}
	options := []gateway.Option{gateway.WithJitter(func() float64 { return 0.5 }), gateway.WithIntents(intent.Guilds | intent.GuildMessages),
		gateway.WithIdentifyConnectionProperties(&gateway.IdentifyConnectionProperties{OS: "os", Browser: "b", Device: "d"})}
	isRaw := false
	for i, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "raw":
			isRaw = true
		case "as":
			session, ok := s.actor(args[i+2]).state.Session()
			s.print("%s: has session %v at %d", a.name, ok, session.Seq)
			options = append(options, gateway.WithSession(session))
		case "v":
			p.Version = value
		case "encoding":
			p.Encoding = value
		case "compress":
			p.Compress = value
		case "intents":
			options = append(options, gateway.WithIntents(intent.Type(s.number(value))))
		}
	}
	if !isRaw {
		state, err := gateway.NewGatewayState("token", options...)
		require.NoError(s.t, err)
		state.Advance(s.now)
		a.state = state
	}
	a.conn = s.world.Accept(s.now, p)
	s.cast = append(s.cast, a)
}

// raw sends bytes that no state would.
func (s *harness) raw(a *actor, msg string) {
	if all := s.world.Sessions(); len(all) > 0 {
		msg = strings.ReplaceAll(msg, "$session", all[len(all)-1].ID)
	}
	s.print("%s > %s", a.name, msg)
	a.conn.Receive(s.now, []byte(msg), false)
}

// up is the way from a client to the world.
type up struct {
	s *harness
	a *actor
}

func (u up) Write(p []byte) (int, error) {
	u.s.print("%s > %s", u.a.name, p)
	u.a.conn.Receive(u.s.now, p, false)
	return len(p), nil
}

// upClose is the same for close frames.
type upClose up

func (u upClose) Write(p []byte) (int, error) {
	code := closecode.Type(binary.BigEndian.Uint16(p))
	u.s.print("%s > close %d", u.a.name, code)
	u.a.conn.Lost(u.s.now, code)
	return len(p), nil
}

// exchange delivers frames until nobody has anything to say.
func (s *harness) exchange() {
	for again := true; again; {
		again = false
		for _, a := range s.cast {
			for !a.deaf {
				f, ok := a.conn.Next()
				if !ok {
					break
				}
				again = true
				s.deliver(a, f)
			}
		}
	}
}

func (s *harness) deliver(a *actor, f world.Frame) {
	var err error
	switch f.Kind {
	case world.FrameCut:
		s.print("%s < cut", a.name)
		a.over = true
		return
	case world.FrameClose:
		code, reason := f.CloseCode()
		s.print("%s < close %d %s", a.name, code, reason)
		if a.state != nil {
			err = a.state.ProcessCloseCode(code, reason, upClose{s, a})
		}
		a.over = true
	default:
		s.print("%s < %s", a.name, f.Data)
		if a.state != nil && !a.over {
			a.state.Advance(s.now)
			_, _, err = a.state.ProcessMessage(f.Data, up{s, a}, upClose{s, a})
		}
	}
	s.ended(a, err)
}

// ended tells what a state makes of the end of its connection.
func (s *harness) ended(a *actor, err error) {
	if err == nil {
		return
	}
	a.over = true
	var d *gateway.DiscordError
	if errors.As(err, &d) {
		_, kept := a.state.Session()
		s.print("%s: reconnect %v, resume %v, session %v: %v", a.name, d.CanReconnect(), d.CanResume(), kept, err)
		return
	}
	s.print("%s: %v", a.name, err)
}

func (s *harness) lose(a *actor) {
	a.conn.Lost(s.now, closecode.Abnormal)
	a.over = true
	s.print("%s: connection lost", a.name)
}

// advance moves the clock, and stops at every deadline on the way.
func (s *harness) advance(by string) {
	end := s.now.Add(s.duration(by))
	for {
		next, who := end, (*actor)(nil)
		server := false
		for _, a := range s.cast {
			if at := a.conn.NextDeadline(); !at.IsZero() && at.Before(next) {
				next, who, server = at, a, true
			}
			if a.state == nil || a.over {
				continue
			}
			if at := a.state.NextDeadline(); !at.IsZero() && at.Before(next) {
				next, who, server = at, a, false
			}
		}
		s.now = next
		switch {
		case who == nil:
			return
		case server:
			who.conn.HandleTimeout(s.now)
		default:
			s.ended(who, who.state.HandleTimeout(s.now, up{s, who}, upClose{s, who}))
		}
		s.exchange()
	}
}

// fault NAME KIND [after=N] [code=N] [resumable] [for=D] [size=N]
func (s *harness) fault(args []string) {
	f := world.Fault{Kind: world.FaultKind(args[1])}
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "after":
			f.After = s.number(value)
		case "code":
			f.Code = closecode.Type(s.number(value))
		case "resumable":
			f.Resumable = true
		case "for":
			f.For = s.duration(value)
		case "size":
			f.Size = s.number(value)
		}
	}
	if args[0] == "next" {
		require.NoError(s.t, s.world.InjectNext(f, 1))
		return
	}
	require.NoError(s.t, s.world.Inject(s.now, s.actor(args[0]).conn.SessionID(), f))
}
