package sim

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/opcode"
)

// A simClient is a shard: one connection after another, and a handler.
type simClient struct {
	m        *simulation
	id       uint
	session  gateway.Session
	resumes  bool // session is one
	ordinary bool // the resume URL failed
	failures int  // connections in a row that came to nothing
	stopped  bool
	link     *simLink // nil between connections

	trace   *simTrace // of the current session
	lastSeq int64     // that the handler saw
}

// dial opens a connection with a new state.
func (c *simClient) dial() {
	options := []gateway.Option{
		gateway.WithShardID(gateway.ShardID(c.id)), gateway.WithShardCount(uint(len(c.m.clients))),
		gateway.WithIntents(simIntents), gateway.WithIdentifyRateLimiter(c.m.limiter),
		gateway.WithJitter(c.m.rng.Float64), gateway.WithMessageLimit(simMessageLimit),
	}
	if c.resumes {
		options = append(options, gateway.WithSession(c.session))
	}
	options = append(options, clientOptions(c.m.Params)...)
	state, err := gateway.NewGatewayState("token", options...)
	if err != nil {
		c.m.problem("client %d: %v", c.id, err)
		c.stopped = true
		return
	}
	state.Advance(c.m.time())
	c.m.Connections++
	c.link = &simLink{m: c.m, client: c, state: state}
	c.link.schedule(simDialed, world.Frame{}, &c.link.upAt, c.m.latency())
}

// again reconnects, after a while if it went wrong before.
func (c *simClient) again() {
	c.failures++
	pause := c.m.upTo(min(time.Second<<min(c.failures-1, 5), 30*time.Second))
	c.m.heap.push(simEvent{at: c.m.now + pause, kind: simDial, owner: c})
}

// ended decides what comes after a connection.
func (c *simClient) ended(err error) {
	state := c.link.state
	c.link.clientDone = true
	c.link = nil
	c.session, c.resumes = state.Session()
	if !c.resumes {
		c.trace = nil
	}
	var discord *gateway.DiscordError
	if errors.As(err, &discord) && !discord.CanReconnect() {
		c.stopped = true
		c.m.Stopped++
		c.m.problem("client %d stopped: %v", c.id, err)
		return
	}
	c.again()
}

// refused is a dial that came to nothing.
func (c *simClient) refused() {
	c.link.clientDone = true
	c.link = nil
	c.ordinary = c.resumes
	c.again()
}

// handle is the bot's handler. It checks that nothing is missing or comes twice.
func (c *simClient) handle(p *gateway.GatewayPayload) {
	if p.EventName == event.Ready || p.EventName == event.Resumed {
		c.failures, c.ordinary = 0, false
	}
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
	if p != nil && p.Op == opcode.Dispatch && !redundant {
		c.handle(p)
	}
	l.rearmClient()
}
