package lifecycle

import (
	"maps"
	"slices"
	"time"
)

const (
	// wakeApart is the time for each shard that is woken: so many do not come at once.
	wakeApart = 10 * time.Millisecond
	minSpread = 250 * time.Millisecond
	maxSpread = 20 * time.Second
)

// A Wake is a shard whose wait is to end early, see [Shard.Woken].
type Wake struct {
	Shard uint
	At    time.Time
}

// An Outage notices that more than half of the shards try in vain. When the
// first of them gets through it says who is to be woken.
//
// A shard that gets through and is cut off again is no sign of an outage: its
// wait is not shortened by what happens to others. The zero Outage knows no
// shards. It is not safe for concurrent use.
type Outage struct {
	now    time.Time
	shards map[uint]member
	vain   int       // shards that try in vain
	ended  time.Time // when a shard got through last after an outage
}

type member struct {
	inVain   bool // what it tried last came to nothing, or it may not even try
	waits    bool
	woken    bool
	dialedAt time.Time
}

// Dials says that a shard begins to dial.
func (o *Outage) Dials(now time.Time, shard uint) {
	o.advance(now)
	m := o.shards[shard]
	m.waits, m.woken, m.dialedAt = false, false, o.now
	o.set(shard, m)
}

// Refused says that a shard waits and may not dial: in vain, if that is because
// the host does not answer.
func (o *Outage) Refused(now time.Time, shard uint, inVain bool) {
	o.advance(now)
	m := o.shards[shard]
	m.waits, m.inVain, m.woken = true, inVain, false
	o.set(shard, m)
}

// Waits says that a shard waits after it dialed: in vain, if READY or RESUMED
// did not come. If the outage that made it fail is over already, it reports
// true, and the shard is to be woken like the others. Random is in [0, 1).
// Nothing changes if the shard waits already.
func (o *Outage) Waits(now time.Time, shard uint, inVain bool, random float64) (at time.Time, wake bool) {
	o.advance(now)
	m := o.shards[shard]
	if m.waits {
		return time.Time{}, false
	}
	m.waits, m.inVain = true, inVain
	if inVain && !o.ended.IsZero() && !m.dialedAt.After(o.ended) {
		m.woken, wake = true, true
		at = o.now.Add(time.Duration(random * float64(minSpread)))
	}
	o.set(shard, m)
	return at, wake
}

// Through says that READY or RESUMED came to a shard. If that ends an outage it
// returns the shards to wake, in ascending order, each at a time of its own.
func (o *Outage) Through(now time.Time, shard uint, random func() float64) []Wake {
	o.advance(now)
	outage := 2*o.vain > len(o.shards)
	m := o.shards[shard]
	m.waits, m.inVain = false, false
	o.set(shard, m)
	if !outage {
		return nil
	}
	o.ended = o.now
	var wakes []Wake
	for _, id := range slices.Sorted(maps.Keys(o.shards)) {
		if m := o.shards[id]; m.waits && m.inVain && !m.woken {
			m.woken = true
			o.set(id, m)
			wakes = append(wakes, Wake{Shard: id})
		}
	}
	spread := min(max(time.Duration(len(wakes))*wakeApart, minSpread), maxSpread)
	for i := range wakes {
		wakes[i].At = o.now.Add(time.Duration(random() * float64(spread)))
	}
	return wakes
}

// Gone says that a shard does not run any more.
func (o *Outage) Gone(shard uint) {
	if o.shards[shard].inVain {
		o.vain--
	}
	delete(o.shards, shard)
}

// set is the only writer of a shard.
func (o *Outage) set(shard uint, m member) {
	if o.shards == nil {
		o.shards = map[uint]member{}
	}
	if was := o.shards[shard].inVain; was != m.inVain {
		if m.inVain {
			o.vain++
		} else {
			o.vain--
		}
	}
	o.shards[shard] = m
}

func (o *Outage) advance(now time.Time) {
	if now.After(o.now) {
		o.now = now
	}
}
