// Package admission decides which connections a server on the internet keeps,
// as a pure machine: addresses and time go in, connections to break come out.
//
// A client costs little before it has identified itself, but something. What is
// bounded is therefore how many such connections there are, in all and from one
// address, how fast an address may open others, and how long it may take to the
// first byte. When there are too many, the address that has most of them loses
// its oldest one, best one that has said nothing: an attacker drives out itself.
//
// An address is an IPv4 address or a /64 network of IPv6. Loopback, where a proxy
// may be, and addresses that are not known are not limited one by one.
package admission

import (
	"errors"
	"net/netip"
	"time"

	"github.com/discordpkg/gateway/internal/cellrate"
	"github.com/discordpkg/gateway/internal/deadline"
)

// Limits bound what clients may have open.
type Limits struct {
	Total        int           // connections
	Unidentified int           // of them, not identified
	PerAddress   int           // not identified, from one address; zero: any
	Rate         int           // new ones a second, from one address; zero: any
	Burst        int           // new ones at once, beyond that rate
	FirstByte    time.Duration // until something comes, zero for any time
}

// An Admission knows the connections of one listener. It is not safe for
// concurrent use. Time must not run backwards.
type Admission struct {
	limits       Limits
	addresses    map[netip.Prefix]*address
	prune        int // when to look for addresses without connections
	total        int
	unidentified int
	silent       []*Conn // in the order of time; may hold those that spoke or left
}

// An address is where clients come from.
type address struct {
	free    bool // not limited
	rate    cellrate.Limit
	waiting []*Conn // not identified, the oldest first
}

// A Conn is a connection that was let in.
type Conn struct {
	from  *address
	until time.Time // for the first byte

	heard, identified, over bool
}

// New returns an admission without connections.
func New(l Limits) (*Admission, error) {
	if l.Total < 1 || l.Unidentified < 1 || l.PerAddress < 0 || l.Rate < 0 || l.Burst < 0 || l.FirstByte < 0 {
		return nil, errors.New("admission: a limit is negative, or no connection is allowed")
	}
	return &Admission{limits: l, addresses: make(map[netip.Prefix]*address), prune: minPrune}, nil
}

// Accept lets a connection in, or returns nil. Evicted, if it is not nil, is one
// that must be broken for it, and has left.
func (a *Admission) Accept(now time.Time, from netip.Addr) (c, evicted *Conn) {
	at := a.address(now, from)
	switch {
	case !at.free && a.limits.Rate > 0 && !at.rate.Take(now):
		return nil, nil
	case !at.free && a.limits.PerAddress > 0 && len(at.waiting) >= a.limits.PerAddress:
		if evicted = at.oldest(true); evicted == nil {
			return nil, nil
		}
	case a.unidentified >= a.limits.Unidentified || a.total >= a.limits.Total:
		if evicted = a.fullest().oldest(false); evicted == nil {
			return nil, nil
		}
	}
	if evicted != nil {
		a.Leave(evicted)
	}
	c = &Conn{from: at}
	at.waiting = append(at.waiting, c)
	a.total++
	a.unidentified++
	if a.limits.FirstByte > 0 {
		c.until = now.Add(a.limits.FirstByte)
		a.silent = append(a.silent, c)
	}
	return c, evicted
}

const minPrune = 1024

// address returns what is known of an address. Addresses without connections
// are forgotten when they are many and their rate allows.
func (a *Admission) address(now time.Time, from netip.Addr) *address {
	bits := 32
	if from = from.Unmap().WithZone(""); from.Is6() {
		bits = 64
	}
	free := !from.IsValid() || from.IsLoopback()
	place, _ := from.Prefix(bits) // the zero one of an address that is not valid
	at := a.addresses[place]
	if at != nil {
		return at
	}
	if len(a.addresses) >= a.prune {
		for place, at := range a.addresses {
			if len(at.waiting) == 0 && at.rate.Idle(now) {
				delete(a.addresses, place)
			}
		}
		a.prune = max(minPrune, 2*len(a.addresses))
	}
	at = &address{free: free}
	if a.limits.Rate > 0 {
		at.rate = cellrate.New(a.limits.Rate, a.limits.Burst)
	}
	a.addresses[place] = at
	return at
}

// fullest returns the address with the most connections that have not
// identified, the one with the oldest if there are several.
func (a *Admission) fullest() *address {
	most := &address{}
	for _, at := range a.addresses {
		if n := len(at.waiting) - len(most.waiting); n > 0 || n == 0 && n != len(at.waiting) && at.waiting[0].until.Before(most.waiting[0].until) {
			most = at
		}
	}
	return most
}

// oldest returns the oldest connection, best a silent one, nil if there is none.
func (at *address) oldest(silent bool) *Conn {
	for _, c := range at.waiting {
		if !c.heard {
			return c
		}
	}
	if silent || len(at.waiting) == 0 {
		return nil
	}
	return at.waiting[0]
}

// Heard tells that the first byte came.
func (a *Admission) Heard(c *Conn) { c.heard = true }

// Identified tells that the server knows whose connection it is. It is not
// broken for others any more.
func (a *Admission) Identified(c *Conn) {
	if !c.over && !c.identified {
		c.identified = true
		a.wait(c)
	}
}

// Leave tells that a connection is over. Further calls do nothing.
func (a *Admission) Leave(c *Conn) {
	if c.over {
		return
	}
	c.over = true
	a.total--
	if !c.identified {
		a.wait(c)
	}
}

// wait strikes a connection from those that have not identified.
func (a *Admission) wait(c *Conn) {
	a.unidentified--
	for i, other := range c.from.waiting {
		if other == c {
			c.from.waiting = append(c.from.waiting[:i:i], c.from.waiting[i+1:]...)
			return
		}
	}
}

// NextDeadline returns when HandleTimeout must be called, zero for never.
func (a *Admission) NextDeadline() time.Time {
	for len(a.silent) > 0 && (a.silent[0].heard || a.silent[0].over) {
		a.silent = a.silent[1:]
	}
	if len(a.silent) == 0 {
		return time.Time{}
	}
	return a.silent[0].until
}

// HandleTimeout returns the connections that must be broken because nothing
// came over them in time. They have left. An early call does nothing.
func (a *Admission) HandleTimeout(now time.Time) (evicted []*Conn) {
	for at := a.NextDeadline(); deadline.Due(at, now); at = a.NextDeadline() {
		evicted = append(evicted, a.silent[0])
		a.Leave(a.silent[0])
	}
	return evicted
}

// Open returns the number of connections, and of those that have not identified.
func (a *Admission) Open() (total, unidentified int) { return a.total, a.unidentified }
