package sharding

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
)

// An IdentifyReserver hands out turns to identify, for groups of a bot that
// run in many processes: it may ask a server, and take its time. See
// [Config].IdentifyReserver. It must be safe for concurrent use.
type IdentifyReserver interface {
	// Reserve returns a turn for a shard that has to start a session. It may
	// wait as long as it likes, but not longer than for ctx. It is called before
	// the shard connects, on the shard's own goroutine and without any lock.
	//
	// A [*SessionLimitError] makes the shard wait until ResetAt, which Stats and
	// the log tell, or ends the group with Config.StopAtSessionLimit. After
	// any other error Reserve is called again, after a pause.
	Reserve(ctx context.Context, shard gateway.ShardID) (Turn, error)
}

// A Turn is a permit to identify once. Exactly one of Spent and Release is
// called, Answered only after Spent. Those three are called one after another,
// without any lock, and may take their time; the shard does not wait for them.
type Turn interface {
	// At returns when the shard may identify: it connects a little before. It
	// is asked often, and must not wait for anything. A turn whose time moves
	// returns another time.
	At() time.Time

	// Spent says that identify was written.
	Spent(at time.Time)

	// Answered says that READY has come.
	Answered(at time.Time)

	// Release gives an unused turn back: the connection was lost before, or the
	// group ends.
	Release()
}

const (
	reserveMinPause = time.Second
	reserveMaxPause = time.Minute
)

// A reservation is the turn of one shard, as the shard and its group see it.
// The zero reservation has none.
type reservation struct {
	mu      sync.Mutex // guards what follows; never held during a call to a Turn but At
	turn    Turn
	spent   bool
	calls   []func() // that are due, in order
	calling bool     // a goroutine makes them
}

// hold replaces the turn. An unused one is given back.
func (r *reservation) hold(g *Group, t Turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn != nil && !r.spent {
		r.call(g, r.turn.Release)
	}
	r.turn, r.spent = t, false
}

// take reports whether the shard may identify now, and spends the turn.
func (r *reservation) take(g *Group, now time.Time) (retryAt time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn == nil || r.spent {
		// The connection was opened to resume. It will not be for long.
		return now.Add(reserveMinPause), false
	}
	if at := r.turn.At(); now.Before(at) {
		return at, false
	}
	r.spent = true
	turn := r.turn
	r.call(g, func() { turn.Spent(now) })
	return time.Time{}, true
}

// answered notes READY.
func (r *reservation) answered(g *Group, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if turn := r.turn; turn != nil && r.spent {
		r.turn = nil
		r.call(g, func() { turn.Answered(now) })
	}
}

// call makes a call on a goroutine of the group's. The caller holds mu.
func (r *reservation) call(g *Group, f func()) {
	r.calls = append(r.calls, f)
	if r.calling {
		return
	}
	r.calling = true
	g.running.Go(func() {
		for f := r.due(); f != nil; f = r.due() {
			f()
		}
	})
}

func (r *reservation) due() (f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calling = len(r.calls) > 0; !r.calling {
		return nil
	}
	f, r.calls = r.calls[0], r.calls[1:]
	return f
}

// reserve gets a turn and waits until it is near.
func (m *member) reserve(ctx context.Context) error {
	g := m.gen.group
	m.reserved.hold(g, nil)
	turn, err := m.askForTurn(ctx)
	if err != nil {
		return err
	}
	m.reserved.hold(g, turn)
	for {
		wait := time.Until(turn.At().Add(-dialAhead))
		if wait <= 0 {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// askForTurn asks until there is a turn, or ctx ends.
func (m *member) askForTurn(ctx context.Context) (Turn, error) {
	g := m.gen.group
	for pause := reserveMinPause; ; pause = min(2*pause, reserveMaxPause) {
		turn, err := g.config.IdentifyReserver.Reserve(ctx, m.id)
		if err == nil {
			return turn, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		wait := pause
		var limit *SessionLimitError
		if errors.As(err, &limit) {
			g.identify.limit(limit)
			wait = time.Until(limit.ResetAt)
		} else {
			g.log.Warn("no turn to identify, asking again", "shard", uint(m.id), "err", err, "wait", wait)
		}
		if err := sleep(ctx, max(wait, reserveMinPause)); err != nil {
			return nil, err
		}
	}
}
