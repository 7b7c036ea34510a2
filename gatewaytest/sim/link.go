package sim

import (
	"io"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/ratelimit"
)

// A simLink is one connection: a state at one end, a [Conn] at the other, and
// a network in between that keeps the order but not the pace.
type simLink struct {
	m          *simulation
	client     *simClient
	state      *gateway.GatewayState
	host       string      // that was dialed
	identifies bool        // there is no session to resume
	conn       *world.Conn // nil until accepted

	upAt, downAt time.Duration // when the last thing sent arrives
	clientDone   bool          // the client has left
	broken       time.Duration // from when on nothing arrives, zero while whole
	half         bool          // the beginning of a message arrived, nothing else will

	clientTimerAt, serverTimerAt time.Duration
	arrivals                     []time.Duration // of messages at the server, the last minute's
}

// schedule lets something arrive after delay, but not before what was sent earlier.
func (l *simLink) schedule(kind simKind, f world.Frame, last *time.Duration, delay time.Duration) {
	*last = max(*last, l.m.now+delay)
	l.m.heap.push(simEvent{at: *last, kind: kind, link: l, owner: l.client, frame: f})
}

// isBroken reports whether what arrives now is lost.
func (l *simLink) isBroken() bool { return l.broken != 0 && l.m.now >= l.broken }

// breakNow breaks the network: what is on its way is lost, and the two ends
// notice later, each at its own time.
func (l *simLink) breakNow() {
	if l.broken == 0 && l.conn != nil {
		l.broken = l.m.now
		l.m.heap.push(simEvent{at: l.m.now + l.m.upTo(20*time.Second), kind: simClientLost, link: l, owner: l.client})
		l.m.heap.push(simEvent{at: l.m.now + l.m.upTo(15*time.Second), kind: simServerLost, link: l, owner: l.client})
	}
}

// accepted is the server's end of a dial.
func (l *simLink) accepted() {
	if l.clientDone {
		return
	}
	if f, refuses := l.m.refusing(l.host); refuses {
		l.client.dialFailed(l, f)
		return
	}
	if status, refused := l.refusedNext(); refused {
		l.client.dialFailed(l, lifecycle.HostFailure{Status: status})
		return
	}
	l.conn = l.m.world.Accept(l.m.time(), l.m.Params)
	l.m.links[l.conn] = l
	l.rearmServer()
	l.client.dialed()
}

// pump puts on the links what the world wants sent.
func (m *simulation) pump() {
	for _, c := range m.world.Ready() {
		if l := m.links[c]; l != nil {
			l.drain()
			l.rearmServer()
		}
	}
}

func (l *simLink) drain() {
	for {
		f, ok := l.conn.Next()
		if !ok {
			return
		}
		delay := l.m.latency() + time.Duration(len(f.Data))*l.conn.Throttle().Pause
		size := frameSize(len(f.Data))
		if left := l.conn.Throttle().Cut; left >= 0 && f.Kind != world.FrameCut {
			if size > left {
				l.cutInside(f, left-size+len(f.Data), delay)
				return
			}
			l.conn.Wrote(size)
		}
		if f.Kind == world.FrameCut {
			l.schedule(simClientLost, f, &l.downAt, delay)
			return
		}
		l.schedule(simToClient, f, &l.downAt, delay)
	}
}

// cutInside sends the first n bytes of a message and closes the connection.
func (l *simLink) cutInside(f world.Frame, n int, delay time.Duration) {
	if n > 0 && f.Kind != world.FrameClose {
		l.schedule(simTorn, world.Frame{Kind: f.Kind, Data: f.Data[:n]}, &l.downAt, delay)
	}
	l.schedule(simClientLost, world.Frame{}, &l.downAt, delay)
	l.conn.Lost(l.m.time(), closecode.Abnormal)
	delete(l.m.links, l.conn)
}

// frameSize is the size of a server's websocket frame.
func frameSize(n int) int {
	switch {
	case n < 126:
		return n + 2
	case n < 1<<16:
		return n + 4
	}
	return n + 10
}

// toClient is a frame that arrives, as a whole or, when the link broke on the
// way, by half.
func (l *simLink) toClient(f world.Frame) {
	switch {
	case l.clientDone:
	case !l.isBroken():
		l.client.receive(f, false)
	case !l.half && f.Kind != world.FrameClose && l.m.rng.IntN(2) == 0:
		l.torn(world.Frame{Kind: f.Kind, Data: f.Data[:l.m.rng.IntN(len(f.Data))]})
	}
	l.half = l.half || l.isBroken()
}

// torn is a frame of which only the beginning arrives.
func (l *simLink) torn(f world.Frame) {
	if !l.clientDone {
		l.client.receive(f, true)
	}
}

// toServer is a message that arrives.
func (l *simLink) toServer(f world.Frame) {
	if l.isBroken() || l.conn == nil {
		return
	}
	if f.Kind == world.FrameClose {
		code, _ := f.CloseCode()
		l.conn.Lost(l.m.time(), code)
		delete(l.m.links, l.conn)
		return
	}
	if l.conn.Closed() {
		return
	}
	l.m.Commands++
	l.countArrival()
	if l.refuseDead(f.Data) {
		return
	}
	fresh := l.conn.Session() == nil
	l.conn.Receive(l.m.time(), f.Data, f.Kind == world.FrameBinary)
	if n := l.m.world.Identifies(); fresh && n != l.m.identifies {
		l.m.identifies = n
		l.checkIdentify()
	}
	l.rearmServer()
}

// countArrival checks the command limit without the code that enforces it.
func (l *simLink) countArrival() {
	for len(l.arrivals) > 0 && l.m.now-l.arrivals[0] >= ratelimit.CommandPeriod {
		l.arrivals = l.arrivals[1:]
	}
	l.arrivals = append(l.arrivals, l.m.now)
	if len(l.arrivals) > ratelimit.CommandLimit {
		l.m.problem("client %d: %d messages in a minute", l.client.id, len(l.arrivals))
	}
}

// checkIdentify checks the identify limit without the code that enforces it.
func (l *simLink) checkIdentify() {
	bucket := l.client.id % uint(l.m.limits.Buckets)
	if last, ok := l.m.buckets[bucket]; ok && l.m.now-last < l.m.limits.IdentifyInterval {
		l.m.problem("client %d: identify %v after the last one of bucket %d", l.client.id, l.m.now-last, bucket)
	}
	l.m.buckets[bucket] = l.m.now
}

func (l *simLink) clientLost() {
	if !l.clientDone {
		l.client.ended(io.ErrUnexpectedEOF)
	}
}

func (l *simLink) serverLost() {
	l.conn.Lost(l.m.time(), closecode.Abnormal)
	delete(l.m.links, l.conn)
}

// rearmClient schedules the state's deadline. Timers that come too early are
// harmless, so that one is enough as long as it does not come late.
func (l *simLink) rearmClient() {
	at := l.state.NextDeadline()
	if l.clientDone || at.IsZero() {
		return
	}
	if due := max(l.m.now, at.Sub(simEpoch)); l.clientTimerAt <= l.m.now || due < l.clientTimerAt {
		l.clientTimerAt = due
		l.m.heap.push(simEvent{at: due, kind: simClientTimer, link: l, owner: l.client})
	}
}

func (l *simLink) clientTimer() {
	if l.clientDone {
		return
	}
	if l.clientTimerAt == l.m.now {
		l.clientTimerAt = 0
	}
	if err := l.state.HandleTimeout(l.m.time(), upWriter{l}, closeUpWriter{l}); err != nil {
		l.client.ended(err)
		return
	}
	l.client.observe()
	l.rearmClient()
}

func (l *simLink) rearmServer() {
	at := l.conn.NextDeadline()
	if at.IsZero() {
		return
	}
	if due := max(l.m.now, at.Sub(simEpoch)); l.serverTimerAt <= l.m.now || due < l.serverTimerAt {
		l.serverTimerAt = due
		l.m.heap.push(simEvent{at: due, kind: simServerTimer, link: l, owner: l.client})
	}
}

func (l *simLink) serverTimer() {
	if l.serverTimerAt == l.m.now {
		l.serverTimerAt = 0
	}
	l.conn.HandleTimeout(l.m.time())
	l.rearmServer()
}

// clientOptions are the options of a state that connects with p.
func clientOptions(p world.Params) (options []gateway.Option) {
	if p.Encoding == "etf" {
		options = append(options, gateway.WithEncoding(etf.Codec{}))
	}
	switch p.Compress {
	case "zlib-stream":
		options = append(options, gateway.WithTransportCompression(compress.NewZlibStream))
	case "zstd-stream":
		options = append(options, gateway.WithTransportCompression(compress.NewZstdStream))
	}
	return options
}
