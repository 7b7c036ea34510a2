package sharding

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
)

// A member is one shard of a group, with what the group knows of it.
type member struct {
	gen   *generation
	id    gateway.ShardID
	shard *gatewayshard.Shard
	queue chan Event    // nil: handlers run on the event loop
	ended chan struct{} // closed when the event loop sends nothing more to the queue

	handled  atomic.Uint64
	replayed atomic.Uint64
	dropped  atomic.Uint64
	failed   atomic.Uint64

	latency   time.Duration // last one that was counted, by the keeper alone
	successor successor     // guarded by the mutex of the handover

	mu       sync.Mutex // guards progress
	progress progress
}

// Progress is how far the handlers are in a session.
type progress struct {
	session string
	handed  int64 // last event meant for the handlers
	seen    int64 // last event that a handler was called with
	acked   int64 // everything up to it is dealt with
	stuck   bool  // an event was left for the next process: acked stays
	held    int   // events of a handover that are not handed on yet

	replaySeen int64 // a former process saw this, at least
	replayOpen bool  // and nobody knows how much more, up to a RESUMED
	barrier    int64 // which is later than this one
	replayEnd  int64 // last event that was marked as a replay, or was not needed any more
}

// newMember returns a member that is to resume a session if there is one.
func (gen *generation) newMember(id gateway.ShardID, from *ShardCheckpoint) (*member, error) {
	g := gen.group
	m := &member{gen: gen, id: id}
	if size := g.config.Queue.Size; size > 0 {
		m.queue, m.ended = make(chan Event, size), make(chan struct{})
	}
	var options []gateway.Option
	if g.url != "" {
		options = append(options, gateway.WithURL(g.url))
	}
	options = append(append(options, g.options...), g.wanted()...)
	options = append(options,
		gateway.WithShardCount(gen.total),
		gateway.WithIdentifyRateLimiter(identifyTurn{g.identify, gen.number}))
	if from != nil {
		options = append(options, gateway.WithSession(from.Session))
		m.progress = progress{
			session: from.Session.ID,
			handed:  from.Session.Seq, acked: from.Session.Seq,
			seen: from.Seen, replaySeen: from.Seen, replayOpen: from.Open, barrier: from.Resumed,
		}
	}
	config := g.config.Shard
	config.PayloadHandler = m.receive
	var err error
	m.shard, err = config.NewShard(id, g.token(), nil, options...)
	return m, err
}

// run is the whole life of the member.
func (m *member) run(ctx context.Context, delay time.Duration) error {
	stop := m.startQueue()
	defer stop()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-m.shard.Done():
		case <-ctx.Done():
		}
	}
	return m.shard.Run(ctx)
}

// receive is called by the event loop for each event that is wanted.
func (m *member) receive(_ gateway.ShardID, p *gateway.GatewayPayload) {
	e := Event{Shard: m.id, Total: m.gen.total, Name: p.EventName, Seq: p.Seq, Data: p.Data, member: m}
	switch e.Name {
	case event.Ready:
		m.begin(p.Seq)
	case event.Resumed:
		m.resumed(p.Seq)
	}
	m.mu.Lock()
	r := &m.progress
	e.Session = r.session
	if e.Replay = r.replayOpen || e.Seq > 0 && e.Seq <= r.replaySeen; e.Replay {
		r.replayEnd = max(r.replayEnd, e.Seq)
	}
	if r.settled() {
		// What lies between was not wanted.
		r.acked = max(r.acked, e.Seq-1)
	}
	m.mu.Unlock()
	if h := m.gen.group.handover.Load(); h != nil && h.intercept(m, e) {
		return
	}
	m.hand(e)
}

// settled reports whether everything that was received is dealt with.
func (r *progress) settled() bool { return r.acked >= r.handed && !r.stuck && r.held == 0 }

// onHold notes that events wait outside of what was handed on.
func (m *member) onHold(n int) {
	m.mu.Lock()
	m.progress.held += n
	m.mu.Unlock()
}

// unhold notes that an event does not wait any more.
func (m *member) unhold() { m.onHold(-1) }

// elsewhere notes that another generation has delivered an event. Should it come
// again with a replay, it is marked as such.
func (m *member) elsewhere(e Event) {
	m.mu.Lock()
	if m.progress.session == e.Session {
		m.progress.replayEnd = max(m.progress.replayEnd, e.Seq)
	}
	m.mu.Unlock()
}

// hand brings an event on its way to the handlers.
func (m *member) hand(e Event) {
	if m.queue != nil {
		m.enqueue(e)
		return
	}
	m.accept(e)
	m.deliver(e)
}

// begin notes a new session.
func (m *member) begin(seq int64) {
	m.gen.group.identify.answered(uint(m.id), time.Now())
	session := m.shard.Progress().Session.ID
	m.mu.Lock()
	before := max(0, seq-1) // some servers count from zero
	m.progress = progress{session: session, handed: before, acked: before, held: m.progress.held}
	m.mu.Unlock()
	m.sessionChanged(false)
}

// resumed notes the end of a replay. A RESUMED is an event of its session, and
// comes again with the next replay; those that do must not be taken for the end. So
// before a handler sees anything behind a RESUMED, the store knows of it.
func (m *member) resumed(seq int64) {
	m.mu.Lock()
	end := seq == 0 || seq > m.progress.barrier
	if end {
		m.progress.replayOpen = false
		m.progress.barrier = seq
	}
	m.mu.Unlock()
	if end {
		m.sessionChanged(true)
		m.gen.group.awaitSave(m.gen.handlerCtx)
	}
}

func (m *member) sessionChanged(resumed bool) {
	g := m.gen.group
	g.touch()
	if hook := g.config.Hooks.Session; hook != nil {
		hook(m.id, resumed)
	}
	m.gen.up(m)
}

// accept notes that an event waits for its handler.
func (m *member) accept(e Event) {
	m.mu.Lock()
	if m.progress.session == e.Session {
		m.progress.handed = max(m.progress.handed, e.Seq)
	}
	m.mu.Unlock()
}

// deliver calls the handlers, and acknowledges the event.
func (m *member) deliver(e Event) {
	g := m.gen.group
	ctx := m.gen.handlerCtx
	if ctx.Err() != nil || m.queue != nil && g.discard.Load() {
		m.leave(e)
		return
	}
	m.mu.Lock()
	if m.progress.session == e.Session {
		m.progress.seen = max(m.progress.seen, e.Seq)
	}
	m.mu.Unlock()
	err := g.call(ctx, e)
	m.handled.Add(1)
	if e.Replay {
		m.replayed.Add(1)
	}
	if err != nil {
		m.failed.Add(1)
		g.report(e, err)
		if ctx.Err() != nil {
			m.leave(e)
			return
		}
	}
	if !g.config.ManualAcknowledge {
		m.acknowledge(e.Session, e.Seq)
	}
}

// leave leaves an event and what comes after it to the next process.
func (m *member) leave(e Event) {
	m.mu.Lock()
	if m.progress.session == e.Session {
		m.progress.stuck = true
	}
	m.mu.Unlock()
}

func (m *member) acknowledge(session string, seq int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &m.progress
	if r.session == session && !r.stuck {
		r.acked = max(r.acked, seq)
	}
}

// checkpoint returns what the next process resumes the shard with. It reports
// false when there is no session.
func (m *member) checkpoint(open bool) (c ShardCheckpoint, ok bool) {
	now := m.shard.Progress()
	c, ok = m.account(now, open)
	if ok {
		m.shard.Acknowledge(c.Session.Seq) // for heartbeats that say so
	}
	return c, ok
}

// account returns the checkpoint of a shard whose progress was read before.
func (m *member) account(now gatewayshard.Progress, open bool) (c ShardCheckpoint, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &m.progress
	if now.Session.ID == "" || r.session != now.Session.ID {
		// A READY that is just being read: the next checkpoint has it.
		return c, false
	}
	// Between events the shard has read nothing that it did not hand out, except
	// for what nobody wants. That must not be replayed for ever. What was
	// handed out since then is in handed.
	if !now.Handling && r.settled() {
		r.acked = max(r.acked, now.Received)
		r.handed = max(r.handed, r.acked)
	}
	session := now.Session
	session.Seq = r.acked
	return ShardCheckpoint{
		ID: m.id, Session: session, Seen: max(r.seen, r.acked),
		// The process before may have seen more than this one has yet.
		Open:    open || r.replayOpen || r.acked < r.replayEnd,
		Resumed: r.barrier,
	}, true
}

// hasSession reports whether the shard is to resume a session.
func (m *member) hasSession() bool {
	_, ok := m.shard.Session()
	return ok
}
