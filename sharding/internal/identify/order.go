// Package identify decides in which order, and how fast, the shards of a group
// start sessions. It is a pure machine: times come in and go out.
//
// https://discord.com/developers/docs/events/gateway#sharding-max-concurrency
package identify

import (
	"fmt"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
)

// A Turn is the place of a shard in the order: by generation, then by shard.
type Turn struct {
	Generation int
	Shard      uint
}

func (t Turn) compare(u Turn) int {
	if t.Generation != u.Generation {
		return t.Generation - u.Generation
	}
	return int(t.Shard) - int(u.Shard)
}

// A Pace is how fast shards may identify.
type Pace struct {
	Buckets  uint          // max_concurrency: shards with different remainders do not wait for each other
	Interval time.Duration // between two identifies of one bucket
	Answered time.Duration // between READY and the next identify of the bucket

	// Elsewhere says that a limiter of the caller's keeps the interval, which is
	// what is expected of it, then.
	Elsewhere bool

	// Ahead is how long before its turn a shard connects. Earlier it would only
	// wait with an open connection, and take part in a rush. So long it may take to.
	Ahead time.Duration

	// Patience is how late the first in line may be.
	Patience time.Duration
}

func (p Pace) check() error {
	if p.Buckets == 0 || p.Interval < 0 || p.Answered < 0 || p.Ahead < 0 || p.Patience < 0 {
		return fmt.Errorf("identify: senseless pace %+v", p)
	}
	return nil
}

// An Order lets shards identify in order. Those that have to, ask [Order.Approach]
// before they connect and [Order.First] before they identify; those that are told
// to wait ask again at the given time, when their turn is near. It is not safe for concurrent use.
type Order struct {
	pace   Pace
	lines  map[uint]*line
	called int       // counts calls to connect
	last   time.Time // when a shard identified
	closed time.Time // no shard may before
}

// A line is the shards that wait in one bucket.
type line struct {
	tickets []ticket  // in order
	next    time.Time // when the first may identify, as far as is known
	opens   time.Time // no shard may identify before, because of the last READY
}

type ticket struct {
	Turn
	called int       // number of the call to connect, zero: not called yet
	due    time.Time // when it asks again
}

// compare puts those that are connecting first: they would wait with an open
// connection.
func (t ticket) compare(u ticket) int {
	switch {
	case t.called != 0 && u.called != 0:
		return t.called - u.called
	case t.called != 0:
		return -1
	case u.called != 0:
		return 1
	}
	return t.Turn.compare(u.Turn)
}

// NewOrder returns an Order in which no shard waits.
func NewOrder(p Pace) (*Order, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return &Order{pace: p, lines: make(map[uint]*line)}, nil
}

// Pace returns how fast shards may identify.
func (o *Order) Pace() Pace { return o.pace }

// SetBuckets changes the number of buckets. A new bucket opens when the last of the
// old ones has.
func (o *Order) SetBuckets(n uint) error {
	p := o.pace
	p.Buckets = n
	if err := p.check(); err != nil || n == o.pace.Buckets {
		return err
	}
	old := o.lines
	o.pace, o.lines = p, make(map[uint]*line)
	for _, from := range old {
		o.closed = deadline.Latest(o.closed, from.next, from.opens)
		for _, t := range from.tickets {
			l := o.line(t.Shard)
			l.tickets = append(l.tickets, t)
		}
	}
	for _, l := range o.lines {
		slices.SortFunc(l.tickets, ticket.compare)
	}
	return nil
}

func (o *Order) line(shard uint) *line {
	l := o.lines[shard%o.pace.Buckets]
	if l == nil {
		l = new(line)
		o.lines[shard%o.pace.Buckets] = l
	}
	return l
}

// Join gives shards that start together their places, before the first of them
// asks.
func (o *Order) Join(turns []Turn, now time.Time) {
	for _, t := range turns {
		l := o.line(t.Shard)
		rank, found := l.find(t)
		if !found {
			rank = l.insert(ticket{Turn: t})
		}
		l.tickets[rank].due = o.turn(l, rank, now)
	}
}

// Approach asks whether a shard that has to identify should connect. If not it
// says when to ask again.
func (o *Order) Approach(t Turn, now time.Time) (at time.Time, ok bool) {
	l := o.line(t.Shard)
	rank := l.join(t, now, o.pace.Patience)
	turn := o.turn(l, rank, now)
	if at = turn.Add(-o.pace.Ahead); now.Before(at) {
		l.tickets[rank].due = at
		return at, false
	}
	rank = o.call(l, rank)
	l.tickets[rank].due = deadline.Latest(turn, now.Add(o.pace.Ahead))
	return time.Time{}, true
}

// call notes that a shard connects.
func (o *Order) call(l *line, rank int) int {
	t := l.tickets[rank]
	if t.called != 0 {
		return rank
	}
	o.called++
	t.called = o.called
	l.tickets = slices.Delete(l.tickets, rank, rank+1)
	return l.insert(t)
}

// turn returns when the shard with a rank may identify, if all before it do.
func (o *Order) turn(l *line, rank int, now time.Time) time.Time {
	return deadline.Latest(now, o.closed, l.opens, l.next).Add(time.Duration(rank) * o.pace.Interval)
}

// First asks whether a shard whose connection is open may identify. If so it
// does, which [Order.Spent] notes, or is refused elsewhere ([Order.Refused]).
// Otherwise First says when to ask again.
func (o *Order) First(t Turn, now time.Time) (retryAt time.Time, ok bool) {
	l := o.line(t.Shard)
	rank := o.call(l, l.join(t, now, o.pace.Patience))
	if rank > 0 {
		// A little after the one before is due: then this one is the first, or
		// may overtake it.
		retryAt = deadline.Latest(l.next, now).Add(time.Duration(rank-1)*o.pace.Interval + o.pace.Patience)
		l.tickets[rank].due = retryAt
		return retryAt, false
	}
	opens := deadline.Latest(o.closed, l.opens)
	if !o.pace.Elsewhere {
		opens = deadline.Latest(opens, l.next)
	}
	if now.Before(opens) {
		o.Refused(t, opens)
		return opens, false
	}
	return time.Time{}, true
}

// Refused notes that the first in line may not identify before a time.
func (o *Order) Refused(t Turn, until time.Time) {
	l := o.line(t.Shard)
	l.next = until
	if rank, found := l.find(t); found {
		l.tickets[rank].due = until
	}
}

// Spent notes that a shard identifies.
func (o *Order) Spent(t Turn, now time.Time) {
	o.Leave(t)
	o.line(t.Shard).next, o.last = now.Add(o.pace.Interval), now
}

// Leave gives up the place of a shard.
func (o *Order) Leave(t Turn) {
	l := o.line(t.Shard)
	if rank, found := l.find(t); found {
		l.tickets = slices.Delete(l.tickets, rank, rank+1)
	}
}

// Answered notes the READY of a shard. Discord has counted its identify by
// then, so that the pause from here on is enough however long the identify was
// on its way: one from when it was written may be too short, if the next one
// travels faster.
func (o *Order) Answered(shard uint, now time.Time) {
	if l := o.lines[shard%o.pace.Buckets]; l != nil {
		l.opens = now.Add(o.pace.Answered)
	}
}

// Resume keeps the interval after what a former process did at last.
func (o *Order) Resume(last, now time.Time) {
	if last.After(now) {
		last = now // the clock was set back
	}
	o.last, o.closed = last, last.Add(o.pace.Interval)
}

// Last returns when a shard identified last.
func (o *Order) Last() time.Time { return o.last }

// Until returns when the last of n shards, all in the bucket of the given one,
// can identify.
func (o *Order) Until(shard uint, n int, now time.Time) time.Time {
	l := o.lines[shard%o.pace.Buckets]
	if l == nil {
		l = new(line)
	}
	return o.turn(l, n-1, now)
}

// join finds or makes the place of a shard. Those that did not come when they
// were due have lost their connection; when they have a new one they take
// their old place.
func (l *line) join(t Turn, now time.Time, patience time.Duration) (rank int) {
	l.tickets = slices.DeleteFunc(l.tickets, func(other ticket) bool {
		return other.Turn != t && now.Sub(other.due) >= patience
	})
	rank, found := l.find(t)
	if !found {
		rank = l.insert(ticket{Turn: t, due: now})
	}
	return rank
}

func (l *line) find(t Turn) (rank int, found bool) {
	rank = slices.IndexFunc(l.tickets, func(other ticket) bool { return other.Turn == t })
	return rank, rank >= 0
}

func (l *line) insert(t ticket) (rank int) {
	rank, _ = slices.BinarySearchFunc(l.tickets, t, ticket.compare)
	l.tickets = slices.Insert(l.tickets, rank, t)
	return rank
}
