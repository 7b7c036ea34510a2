package sharding

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding/handover"
	"github.com/discordpkg/gateway/sharding/internal/identify"
	"github.com/discordpkg/gateway/sharding/internal/poison"
	"github.com/discordpkg/gateway/sharding/internal/progress"
)

// A member is one shard of a group, with what the group knows of it.
type member struct {
	gen   *generation
	id    gateway.ShardID
	shard *gatewayshard.Shard
	queue *queue // nil: handlers run on the event loop

	handled  atomic.Uint64
	replayed atomic.Uint64
	dropped  atomic.Uint64
	failed   atomic.Uint64
	panics   atomic.Uint64
	aside    atomic.Uint64
	busy     atomic.Uint64 // odd while handlers run, grows
	watch    watch

	reserved reservation // with an IdentifyReserver

	over    chan struct{} // closed when the shard does not run any more
	end     sync.Once
	leaving atomic.Bool // it is being released: what waits in its queue is left to the next owner
	gone    atomic.Bool // it was dropped

	latency time.Duration // last one that was counted, by the keeper alone

	mu       sync.Mutex // guards what follows; no other lock is taken under it
	progress progress.Account
	guilds   handover.Guilds
	care     care
	later    later
	handling Event // that handlers were called with last, without its data
}

// newMember returns a member that is to resume a session if there is one.
func (gen *generation) newMember(id gateway.ShardID, from *ShardCheckpoint) (*member, error) {
	g := gen.group
	m := &member{gen: gen, id: id, over: make(chan struct{}), queue: newQueue(g.config.Queue.Size)}
	m.care.Watch = poison.New(poison.Mark{}, 0, g.config.SetAsideAfter)
	options := g.gatewayURL()
	options = append(options, g.options...)
	options = append(options,
		gateway.WithShardCount(gen.total),
		gateway.WithIdentifyRateLimiter(m))
	if from != nil {
		options = append(options, gateway.WithSession(from.Session))
		if g.exact() {
			from = from.exact()
		}
		m.progress = progress.New(progress.Mark{
			Session: from.Session.ID, Acked: from.Session.Seq, Seen: from.Seen, Open: from.Open, Barrier: from.Resumed,
		})
		before := poison.Mark{Deaths: from.Deaths, Suspect: from.Suspect, SuspectDeaths: from.SuspectDeaths}
		m.care.Watch = poison.New(before, from.Session.Seq, g.config.SetAsideAfter)
	}
	config := g.config.Shard
	config.State = g.stateOf(from)
	config.PayloadHandler, config.BeforeDial = m.receive, m.beforeDial
	config.IdentifyLimitError = g.config.StopAtSessionLimit
	if hook := g.config.Hooks.Disconnected; hook != nil {
		config.Disconnected = hook
	}
	if hook := g.config.Hooks.Phase; hook != nil {
		config.PhaseChanged = hook
	}
	config.HandlerLimit, config.HandlerPanic = math.MaxInt64, m.panicked // the group has its own limit
	var err error
	m.shard, err = config.NewShard(id, g.token(), nil, options...)
	return m, err
}

// run is the whole life of the member.
func (m *member) run(ctx context.Context) error {
	stop := m.startQueue()
	defer stop()
	defer m.reserved.hold(m.gen.group, nil)
	err := m.shard.Run(ctx)
	var limit *gatewayshard.IdentifyLimitError
	if errors.As(err, &limit) {
		return &SessionLimitError{Needed: 1, ResetAt: limit.RetryAt}
	}
	return err
}

// beforeDial waits until the shard may connect: before the turn to identify is
// near, the connection would only be open and wait.
func (m *member) beforeDial(ctx context.Context, _ gateway.ShardID, session gateway.Session) error {
	if session.ID != "" {
		return nil
	}
	if m.gen.group.config.IdentifyReserver != nil {
		return m.reserve(ctx)
	}
	return m.gen.group.identify.approach(ctx, m.turn())
}

// Take implements [gateway.IdentifyRateLimiter].
func (m *member) Take(_ uint, now time.Time) (retryAt time.Time, ok bool) {
	if g := m.gen.group; g.config.IdentifyReserver != nil {
		return m.reserved.take(g, now)
	}
	return m.gen.group.identify.take(m.turn(), now)
}

// turn is the place of the shard in the order of identifies.
func (m *member) turn() identify.Turn {
	return identify.Turn{Generation: m.gen.number, Shard: uint(m.id)}
}

// receive is called by the event loop for each event that is wanted.
func (m *member) receive(_ gateway.ShardID, p *gateway.GatewayPayload) {
	e := Event{Shard: m.id, Total: m.gen.total, Name: p.EventName, Seq: p.Seq, Data: p.Data, member: m}
	switch e.Name {
	case event.Ready:
		m.begin(p.Seq)
		m.gen.group.learnUser(p.Data)
	case event.Resumed:
		m.resumed(p.Seq)
	}
	m.mu.Lock()
	e.Session, e.Replay = m.progress.Receive(e.Seq)
	m.mu.Unlock()
	guild, announced := m.note(e)
	if c := m.gen.group.changeover.Load(); c != nil && c.intercept(m, e, guild, announced) {
		return
	}
	m.hand(e)
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
	now := time.Now()
	m.reserved.answered(m.gen.group, now)
	m.gen.group.identify.answered(uint(m.id), now)
	session := m.shard.Progress().Session.ID
	m.mu.Lock()
	m.progress.Begin(session, seq)
	m.later = later{}
	m.care = care{Watch: m.care.Begin(m.progress.Acknowledged(), m.gen.group.deaths), fresh: true}
	m.mu.Unlock()
	m.sessionChanged(false)
}

// resumed notes a RESUMED. Those that come again with the next replay must not
// be taken for its end. So before a handler sees anything behind a RESUMED, the
// store knows of it.
func (m *member) resumed(seq int64) {
	m.mu.Lock()
	end := m.progress.Resumed(seq)
	if end {
		m.care.past = seq
	}
	m.mu.Unlock()
	if end {
		m.sessionChanged(true)
		if !m.gen.group.exact() {
			m.gen.group.awaitSave(m.gen.handlerCtx, resumedPatience)
		}
	}
}

func (m *member) sessionChanged(resumed bool) {
	g := m.gen.group
	g.touch()
	if hook := g.config.Hooks.Session; hook != nil {
		hook(m.id, resumed)
	}
	m.gen.up()
}

// accept notes that an event waits for its handler.
func (m *member) accept(e Event) {
	m.mu.Lock()
	m.progress.Hand(e.Session, e.Seq)
	m.mu.Unlock()
}

// deliver calls the handlers, and acknowledges the event.
func (m *member) deliver(e Event) {
	g := m.gen.group
	ctx := m.gen.handlerCtx
	if ctx.Err() != nil || m.queue != nil && (g.discard.Load() || m.leaving.Load()) {
		m.leave(e)
		return
	}
	m.mu.Lock()
	careful := m.care.Careful()
	if careful {
		m.mu.Unlock()
		if m.examine(ctx, e) {
			return
		}
		m.mu.Lock()
	}
	m.progress.See(e.Session, e.Seq)
	m.later.hand(e.Seq)
	m.handling = e
	m.handling.Data = nil
	m.mu.Unlock()
	m.busy.Add(1)
	err := gatewayshard.ErrHandlerExit // unless call returns
	defer func() {
		m.handledOne(e, err)
		if careful {
			m.left(e)
		}
	}()
	err = g.call(ctx, e)
}

// handledOne acknowledges an event whose handlers have ended.
func (m *member) handledOne(e Event, err error) {
	g := m.gen.group
	m.busy.Add(1)
	m.handled.Add(1)
	if e.Replay {
		m.replayed.Add(1)
	}
	if err != nil {
		m.failed.Add(1)
		g.report(e, err)
		if m.gen.handlerCtx.Err() != nil {
			m.leave(e)
			return
		}
	}
	if !g.config.ManualAcknowledge {
		m.acknowledge(e.Session, e.Seq)
	}
}

// panicked hears from the shard of a panic outside of the handlers, in a hook, and of
// a handler that has ended the goroutine, which was told already.
func (m *member) panicked(_ gateway.ShardID, p *gateway.GatewayPayload, err *gatewayshard.PanicError) {
	if !errors.Is(err, gatewayshard.ErrHandlerExit) {
		_ = m.gen.group.panicked(m.event(p), err.Value)
	}
}

// leave leaves an event and what comes after it to the next process.
func (m *member) leave(e Event) {
	m.mu.Lock()
	m.progress.Leave(e.Session)
	m.mu.Unlock()
}

func (m *member) acknowledge(session string, seq int64) {
	if m.gone.Load() {
		return
	}
	m.mu.Lock()
	moved := m.progress.Acknowledge(session, seq)
	m.mu.Unlock()
	if moved && m.gen.group.config.Hooks.Progress != nil {
		if c, ok, _ := m.account(m.shard.Progress(), true); ok {
			m.gen.group.config.Hooks.Progress(c)
		}
	}
}

// checkpoint returns what the next process resumes the shard with. It reports
// false when there is no session.
func (m *member) checkpoint(open bool) (c ShardCheckpoint, ok bool) {
	c, ok, moved := m.account(m.shard.Progress(), open)
	if hook := m.gen.group.config.Hooks.Progress; moved && hook != nil {
		hook(c)
	}
	return c, ok
}

// account returns the checkpoint of a shard whose progress was read before, and
// whether that has moved the account.
func (m *member) account(now gatewayshard.Progress, open bool) (c ShardCheckpoint, ok, moved bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Session.ID == "" || m.progress.Session() != now.Session.ID {
		// A READY that is just being read: the next checkpoint has it.
		return c, false, false
	}
	// Between events the shard has read nothing that it did not hand out, except
	// for what is not wanted. What was handed out since then is in the account.
	if !now.Handling {
		moved = m.progress.Idle(now.Received)
	}
	mark := m.progress.Mark(open)
	session := now.Session
	session.Seq = mark.Acked
	c = ShardCheckpoint{ID: m.id, Session: session, Seen: mark.Seen, Open: mark.Open, Resumed: mark.Barrier, Life: lifeOf(now)}
	if open {
		dying := m.care.Mark(mark.Acked)
		c.Deaths, c.Suspect, c.SuspectDeaths = dying.Deaths, dying.Suspect, dying.SuspectDeaths
	}
	return c, true, moved
}

// hasSession reports whether the shard is to resume a session.
func (m *member) hasSession() bool {
	_, ok := m.shard.Session()
	return ok
}
