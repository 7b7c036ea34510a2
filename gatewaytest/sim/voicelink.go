package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A voiceLink is one websocket: a state at one end, a [signaling.Conn] at
// the other, and a network in between that keeps the order but not the pace.
type voiceLink struct {
	m     *voiceSimulation
	call  *voiceCall
	state *gateway.VoiceGatewayState
	host  *voiceHost
	conn  *signaling.Conn // nil until accepted

	upAt, downAt time.Duration // when the last thing sent arrives
	broken       bool          // nothing arrives any more
	silent       bool          // and neither end is told
	torn         bool          // the beginning of a message arrived, nothing else will
	done         bool          // the client has left

	alarm    voiceAlarm    // of the server's end
	interval time.Duration // between heartbeats, zero before Hello
	beatBy   time.Duration // when the next heartbeat is due
	told     bool          // the client said that it speaks
}

// errVoiceRefused is a server that does not answer the dial.
var errVoiceRefused = errors.New("sim: the voice server cannot be reached")

// dialled is the server's end of a dial.
func (l *voiceLink) dialled() {
	if l.done {
		return
	}
	if l.host == nil || l.host.dead {
		l.m.Refused++
		l.call.lost(errVoiceRefused)
		return
	}
	l.host.do(func(now time.Time) {
		l.conn = l.host.core.Accept(now, "8")
		l.host.links[l.conn] = l
		l.host.conns = append(l.host.conns, l)
	})
}

// drain puts on the way what the server has to send.
func (l *voiceLink) drain() {
	for {
		f, ok := l.conn.Next()
		if !ok {
			break
		}
		if f.Kind == signaling.FrameCut {
			l.m.inOrder(&l.downAt, l.clientLost)
		} else {
			l.m.inOrder(&l.downAt, func() { l.toClient(f) })
		}
	}
	if _, _, closed := l.conn.Closed(); closed {
		delete(l.host.links, l.conn)
	}
	l.m.arm(&l.alarm, l.conn.NextDeadline(), func() { l.host.do(l.conn.HandleTimeout) })
}

// toClient is a frame that arrives, as a whole or, when the network broke on
// the way, by half.
func (l *voiceLink) toClient(f signaling.Frame) {
	share := l.m.rng.Float64()
	switch {
	case l.done:
	case !l.broken:
		l.call.receive(f, false)
	case !l.silent && !l.torn && f.Kind != signaling.FrameClose && share < 0.5:
		l.torn = true
		f.Data = f.Data[:int(2*share*float64(len(f.Data)))]
		l.call.receive(f, true)
	}
}

// read feeds a message to the state.
func (l *voiceLink) read(f signaling.Frame, torn bool) (*gateway.VoiceMessage, bool, error) {
	binary := f.Kind == signaling.FrameBinary
	l.state.Advance(l.m.time())
	switch {
	case torn && binary:
		return l.state.ProcessNextBinary(io.MultiReader(bytes.NewReader(f.Data), brokenReader{}), l.writers())
	case torn:
		return l.state.ProcessNextMessage(io.MultiReader(bytes.NewReader(f.Data), brokenReader{}), l.writers())
	case binary:
		return l.state.ProcessBinary(f.Data, l.writers())
	}
	return l.state.ProcessMessage(f.Data, l.writers())
}

// greeted notes when heartbeats are due, from Hello on.
func (l *voiceLink) greeted(data []byte) {
	var h gateway.VoiceHello
	if err := json.Unmarshal(data, &h); err != nil {
		l.m.problem("hello: %v", err)
	}
	l.interval = time.Duration(h.HeartbeatIntervalMilli * float64(time.Millisecond))
	l.beatBy = l.m.now + l.interval
}

// A voiceUp is the client's end of a link: one frame for each Write.
type voiceUp struct {
	l    *voiceLink
	kind signaling.FrameKind
}

func (l *voiceLink) writers() gateway.VoiceWriters {
	return gateway.VoiceWriters{
		Text: voiceUp{l, signaling.FrameText}, Binary: voiceUp{l, signaling.FrameBinary}, Close: voiceUp{l, signaling.FrameClose},
	}
}

func (w voiceUp) Write(p []byte) (int, error) {
	f := signaling.Frame{Kind: w.kind, Data: p}
	if w.kind == signaling.FrameText && bytes.HasPrefix(p, voiceBeat) {
		w.l.beat()
	}
	w.l.m.inOrder(&w.l.upAt, func() { w.l.toServer(f) })
	return len(p), nil
}

// voiceBeat is how heartbeats begin.
var voiceBeat = []byte(`{"op":3,`)

// beat checks that heartbeats are in time, without the code that makes them so.
func (l *voiceLink) beat() {
	if l.m.now > l.beatBy {
		l.m.problem("user %d: heartbeat %v late", l.call.u.id, l.m.now-l.beatBy)
	}
	l.beatBy = l.m.now + l.interval
}

// toServer is a frame that arrives.
func (l *voiceLink) toServer(f signaling.Frame) {
	if l.broken || l.conn == nil {
		return
	}
	l.host.do(func(now time.Time) {
		if f.Kind == signaling.FrameClose {
			code, _ := f.CloseCode()
			l.conn.Lost(now, code)
			return
		}
		l.conn.Receive(now, f.Data, f.Kind == signaling.FrameBinary)
	})
}

// speak says that the client speaks, once on each connection: what was said on
// one that broke may not have arrived.
func (l *voiceLink) speak() {
	if l.told {
		return
	}
	l.told = true
	if md := l.call.media; md.announced == nil {
		md.announced = l
	}
	l.state.Advance(l.m.time())
	if err := l.state.Speaking(l.writers().Text, gateway.SpeakingMicrophone); err != nil {
		l.m.problem("user %d: speaking: %v", l.call.u.id, err)
	}
}

// breakNow breaks the network. What is on its way is lost, and the two ends
// notice later, each at its own time, unless it happens silently.
func (l *voiceLink) breakNow(silently bool) bool {
	if l.broken || l.conn == nil {
		return false
	}
	l.m.Cuts++
	l.broken, l.silent = true, silently
	if !silently {
		l.m.after(l.m.upTo(20*time.Second), l.clientLost)
		l.m.after(l.m.upTo(15*time.Second), l.serverLost)
	}
	return true
}

func (l *voiceLink) clientLost() {
	if !l.done {
		l.call.lost(io.ErrUnexpectedEOF)
	}
}

func (l *voiceLink) serverLost() {
	l.host.do(func(now time.Time) { l.conn.Lost(now, closecode.Voice(closecode.Abnormal)) })
}

// hangUp ends the client's part. What the state has written still arrives.
func (l *voiceLink) hangUp() {
	l.done = true
	_ = l.state.Close() // never fails
	l.m.inOrder(&l.upAt, func() {
		if !l.broken && l.conn != nil {
			l.serverLost()
		}
	})
}

// voiceOp returns the opcode of a message for the hash.
func voiceOp(m *gateway.VoiceMessage) uint64 {
	if m == nil {
		return 1 << 16
	}
	return uint64(m.Op)<<32 | uint64(uint32(m.Seq))
}
