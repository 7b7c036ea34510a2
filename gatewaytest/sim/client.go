package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/opcode"
)

// A simClient is a shard: a [lifecycle.Shard] that says what to do between
// connections, one connection after another, and a handler.
type simClient struct {
	m        *simulation
	id       uint
	life     *lifecycle.Shard
	link     *simLink // nil between connections
	traffic  lifecycle.Traffic
	timerAt  time.Duration // of the timer for the life that is due first
	stopped  bool
	nextDial world.Fault // what goes wrong when it dials next

	trace   *simTrace // of the current session
	lastSeq int64     // that the handler saw
}

// begin makes the life of a client, that of a former process if there was one.
func (c *simClient) begin(session gateway.Session, state lifecycle.ShardState) error {
	life, err := lifecycle.NewShard(lifecycle.WithSession(session), lifecycle.WithShardState(state), lifecycle.WithRandom(c.m.rng.Float64))
	c.life = life
	return err
}

// wake starts the life, or goes on with it: the timer of the client.
func (c *simClient) wake() {
	if c.timerAt == c.m.now {
		c.timerAt = 0
	}
	if c.life.Phase() == lifecycle.ShardNew {
		_ = c.life.Start(c.m.time())
	} else {
		c.life.HandleTimeout(c.m.time(), c.traffic)
	}
	c.follow()
}

// follow does what the life decides, until that is to wait for something.
func (c *simClient) follow() {
	for {
		switch d := c.life.Decision(); d.Do {
		case lifecycle.ShardAsk:
			c.ask(d)
			continue
		case lifecycle.ShardDial:
			if c.link == nil { // else it is being opened
				c.dial(d)
			}
		case lifecycle.ShardHold:
			c.arm(d.At)
		case lifecycle.ShardLeave:
			_ = c.link.state.WriteRestartClose(closeUpWriter{c.link})
			c.ended(d.Err)
		case lifecycle.ShardWait:
			if at, wake := c.m.shared.Waits(c.m.time(), c.id); wake {
				_ = c.life.Woken(c.m.time(), at)
			}
			c.m.waits[d.Why]++
			c.arm(c.life.Decision().At)
		case lifecycle.ShardStop:
			c.stop(d.Err)
		case lifecycle.ShardStart:
		}
		return
	}
}

func (c *simClient) stop(err error) {
	if !c.stopped {
		c.stopped = true
		c.m.Stopped++
		c.m.problem("client %d stopped: %v", c.id, err)
	}
}

// ask asks what the shards share whether the client may dial.
func (c *simClient) ask(d lifecycle.ShardDecision) {
	r := lifecycle.Request{Shard: c.id, Identifies: d.Identifies(), Host: lifecycle.HostOf(gateway.DefaultURL)}
	if d.AtResumeURL {
		r.ResumeHost = lifecycle.HostOf(d.Session.ResumeURL)
	}
	if a := c.m.shared.Ask(c.m.time(), r); a.OK {
		_ = c.life.Granted(c.m.time(), a.Grant)
	} else {
		_ = c.life.Refused(c.m.time(), a.Until, a.Why)
	}
}

// dial opens a connection with a new state.
func (c *simClient) dial(d lifecycle.ShardDecision) {
	options := append([]gateway.Option{
		gateway.WithShardID(gateway.ShardID(c.id)), gateway.WithShardCount(uint(len(c.m.clients))),
		gateway.WithIntents(simIntents), gateway.WithIdentifyRateLimiter(c.m.limiter), gateway.WithDecision(closecode.ResumeFirst),
		gateway.WithJitter(c.m.rng.Float64), gateway.WithMessageLimit(simMessageLimit), gateway.WithSession(d.Session),
	}, clientOptions(c.m.Params)...)
	state, err := gateway.NewGatewayState("token", options...)
	if err != nil {
		c.stop(err)
		return
	}
	state.Advance(c.m.time())
	c.m.Connections++
	dialURL := state.URL()
	if d.AtResumeURL {
		dialURL = state.DialURL()
	}
	c.link = &simLink{m: c.m, client: c, state: state, host: lifecycle.HostOf(dialURL), identifies: d.Identifies()}
	c.m.checkHost(c.link)
	if c.m.silent(c.link.host) {
		c.m.heap.push(simEvent{at: c.m.now + d.Limit, kind: simDialFailed, link: c.link, owner: c})
		return
	}
	c.link.schedule(simDialed, world.Frame{}, &c.link.upAt, c.m.latency())
}

var errDial = errors.New("sim: no connection")

// dialFailed is a dial that came to nothing.
func (c *simClient) dialFailed(l *simLink, f lifecycle.HostFailure) {
	if l.clientDone {
		return
	}
	c.m.Refused++
	l.clientDone, c.link = true, nil
	c.m.shared.DialFailed(c.m.time(), c.id, l.host, f)
	_ = c.life.DialFailed(c.m.time(), lifecycle.DialFailure{Err: errDial, RetryAfter: f.RetryAfter})
	c.follow()
}

// dialed is a connection that the server has accepted.
func (c *simClient) dialed() {
	c.m.shared.Dialed(c.link.host)
	_ = c.life.Dialed(c.m.time())
	c.traffic = lifecycle.Traffic{}
	c.follow()
}

// observe tells the life what the state shows, and what the shards share what
// the life has learned from that.
func (c *simClient) observe() {
	was := c.life.Phase()
	if was == lifecycle.ShardActive {
		return
	}
	c.life.Observe(c.m.time(), c.link.state, c.traffic)
	if c.life.Phase() == was {
		return
	}
	if c.link.identifies && was < lifecycle.ShardAuthenticating && c.link.state.HaveIdentified() {
		c.m.shared.Identified(c.m.time(), c.id)
		c.m.countIdentify(c.id)
	}
	if c.life.Phase() == lifecycle.ShardActive {
		for _, w := range c.m.shared.Through(c.m.time(), c.id) {
			other := c.m.clients[w.Shard]
			_ = other.life.Woken(c.m.time(), w.At)
			other.arm(other.life.NextDeadline())
		}
	}
	c.follow()
}

// ended is the end of a connection.
func (c *simClient) ended(err error) {
	l := c.link
	l.clientDone, c.link = true, nil
	session, _ := l.state.Session()
	had := c.life.Session().ID
	_ = c.life.Ended(c.m.time(), lifecycle.End{Err: err, Session: session, Seq: l.state.SequenceNumber(), Traffic: c.traffic})
	if kept := c.life.Session().ID; kept == "" {
		c.trace = nil
		if had != "" && session.ID == had {
			c.m.givenUp(had, c.life.Decision().Why)
		}
	}
	c.follow()
}

// arm lets the client wake at a time. One timer is enough as long as it does
// not come late: one that comes early is harmless.
func (c *simClient) arm(at time.Time) {
	if at.IsZero() || c.stopped {
		return
	}
	if due := max(c.m.now, at.Sub(simEpoch)); c.timerAt <= c.m.now || due < c.timerAt {
		c.timerAt = due
		c.m.heap.push(simEvent{at: due, kind: simWake, owner: c})
	}
}

// store returns what the next process needs to know, as a store has it.
func (c *simClient) store() (session gateway.Session, state lifecycle.ShardState, err error) {
	session = c.life.Session()
	if c.link != nil {
		session, _ = c.link.state.Session()
	}
	data, err := json.Marshal(c.life.State())
	if err == nil {
		err = json.Unmarshal(data, &state)
	}
	if err != nil {
		return session, state, fmt.Errorf("client %d: store: %w", c.id, err)
	}
	return session, state, nil
}

// handle is the bot's handler. It checks that nothing is missing or comes twice.
func (c *simClient) handle(p *gateway.GatewayPayload) {
	if p.EventName == event.Ready {
		c.lastSeq = 0
		c.trace = nil
		c.m.known[c.link.state.SessionID()] = true
	}
	if p.Seq == 0 {
		return // a giant that was let through
	}
	if p.Seq != c.lastSeq+1 {
		c.m.problem("client %d: sequence number %d after %d", c.id, p.Seq, c.lastSeq)
	}
	c.lastSeq = p.Seq
	id, ok := simID(p.Data)
	if !ok {
		return
	}
	c.m.Delivered++
	c.m.mixIn(uint64(c.id), id)
	if c.trace == nil {
		c.trace = c.m.traces[c.link.state.SessionID()]
	}
	if c.trace == nil {
		c.m.problem("client %d: event %d in an unknown session", c.id, id)
		return
	}
	c.trace.seen(c.m, id)
}

// atRest reports whether the client has seen everything there is to see.
func (c *simClient) atRest() bool {
	if c.stopped {
		return true
	}
	if c.link == nil || !c.link.state.Active() {
		return false
	}
	s := c.m.world.Session(c.link.state.SessionID())
	return s != nil && s.Seq() == c.lastSeq
}

// sendCommands sends n presence updates, as far as the state lets them through.
func (c *simClient) sendCommands(n int) {
	if c.link == nil || !c.link.state.Active() {
		return
	}
	c.link.state.Advance(c.m.time())
	for range n {
		err := c.link.state.Write(upWriter{c.link}, command.UpdatePresence, []byte(`{"since":null,"activities":[],"status":"online","afk":false}`))
		if errors.Is(err, gateway.ErrRateLimited) {
			c.m.Refusals++
		}
	}
	c.link.rearmClient()
}

// An upWriter is the client's end of a link: one message for each Write.
type upWriter struct{ l *simLink }

func (w upWriter) Write(p []byte) (int, error) {
	kind := world.FrameText
	if w.l.m.Params.Encoding == "etf" {
		kind = world.FrameBinary
	}
	w.l.schedule(simToServer, world.Frame{Kind: kind, Data: p}, &w.l.upAt, w.l.m.latency())
	return len(p), nil
}

// A closeUpWriter sends close frames.
type closeUpWriter struct{ l *simLink }

func (w closeUpWriter) Write(p []byte) (int, error) {
	w.l.schedule(simToServer, world.Frame{Kind: world.FrameClose, Data: p}, &w.l.upAt, w.l.m.latency())
	return len(p), nil
}

// A brokenReader is a connection that broke within a message.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// receive feeds a frame to the state, and its payload to the handler.
func (c *simClient) receive(f world.Frame, torn bool) {
	l := c.link
	l.state.Advance(c.m.time())
	c.traffic.Bytes += uint64(len(f.Data))
	if f.Kind == world.FrameClose {
		code, reason := f.CloseCode()
		c.ended(l.state.ProcessCloseCode(code, reason, closeUpWriter{l}))
		return
	}
	var p *gateway.GatewayPayload
	var redundant bool
	var err error
	if torn {
		half := io.MultiReader(bytes.NewReader(f.Data), brokenReader{})
		p, redundant, err = l.state.ProcessNextMessage(half, upWriter{l}, closeUpWriter{l})
	} else {
		p, redundant, err = l.state.ProcessMessage(f.Data, upWriter{l}, closeUpWriter{l})
	}
	if err != nil {
		c.ended(err)
		return
	}
	if p != nil && p.Op == opcode.Dispatch {
		c.traffic.Events++
		if !redundant {
			c.handle(p)
		}
	}
	c.observe()
	if !l.clientDone {
		l.rearmClient()
	}
}
