package relay

import (
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// A Network is what goes wrong with the audio that is sent to a client. The
// zero value is a perfect network. Shares are probabilities from 0 to 1.
type Network struct {
	Loss      float64       `json:"loss,omitempty"`      // of packets that do not arrive
	Duplicate float64       `json:"duplicate,omitempty"` // of packets that arrive twice
	Reorder   float64       `json:"reorder,omitempty"`   // of packets that arrive 60 ms late, behind others
	Padding   float64       `json:"padding,omitempty"`   // of packets that are padded, which sets a bit in their header
	Delay     time.Duration `json:"delay,omitempty"`     // of every packet, in nanoseconds
	Jitter    time.Duration `json:"jitter,omitempty"`    // added to the delay at random, up to this
}

// reorderBy is three frames of 20 ms.
const reorderBy = 60 * time.Millisecond

// maxHeld is how many packets a relay holds back at most. More are lost.
const maxHeld = 8192

// networks are the faults of one relay.
type networks struct {
	bad  bool // that of a user is
	all  Network
	some map[snowflake.ID]Network
	held []held // a heap, the earliest first
	seq  uint64
}

// A held packet is in clear, since its address and key may change.
type held struct {
	at    time.Time
	seq   uint64 // of those due at the same time the first goes first
	ssrc  uint32
	plain []byte
}

// SetNetwork makes the network of the users bad, or of all users that have no
// network of their own if none are named.
func (r *Relay) SetNetwork(n Network, users ...snowflake.ID) {
	if r.net.some == nil {
		r.net.some = make(map[snowflake.ID]Network)
	}
	for _, u := range users {
		r.net.some[u] = n
	}
	if len(users) == 0 {
		r.net.all = n
	}
	r.net.bad = r.net.all != Network{}
	for _, own := range r.net.some {
		r.net.bad = r.net.bad || own != Network{}
	}
}

func (n *networks) of(user snowflake.ID) Network {
	if own, ok := n.some[user]; ok {
		return own
	}
	return n.all
}

// disturbs reports whether the network of a user is bad.
func (n *networks) disturbs(user snowflake.ID) bool { return n.bad && n.of(user) != Network{} }

// disturb sends a packet to a client over a bad network.
func (r *Relay) disturb(now time.Time, to *leg, plain []byte, out *Batch) {
	n := r.net.of(to.User)
	if r.rng.Float64() < n.Loss {
		r.stats.Lost++
		return
	}
	copies := 1
	if r.rng.Float64() < n.Duplicate {
		r.stats.Duplicated++
		copies = 2
	}
	delay := n.Delay
	if n.Jitter > 0 {
		delay += time.Duration(r.rng.Int64N(int64(n.Jitter)))
	}
	if r.rng.Float64() < n.Reorder {
		delay += reorderBy
	}
	if r.rng.Float64() < n.Padding {
		r.stats.Padded++
		plain = r.pad(plain)
	}
	for range copies {
		if delay > 0 {
			r.hold(held{at: now.Add(delay), ssrc: to.SSRC, plain: append([]byte(nil), plain...)})
		} else {
			r.seal(to, plain, out)
		}
	}
}

// pad returns a padded copy of a packet, or the packet if it is padded already.
//
// https://www.rfc-editor.org/rfc/rfc3550#section-5.1
func (r *Relay) pad(plain []byte) []byte {
	if plain[0]&paddingBit != 0 {
		return plain
	}
	n := 1 + r.rng.IntN(255)
	padded := append(append(make([]byte, 0, len(plain)+n), plain...), make([]byte, n)...)
	padded[0] |= paddingBit
	padded[len(padded)-1] = byte(n)
	return padded
}

func (r *Relay) hold(h held) {
	if len(r.net.held) >= maxHeld {
		r.stats.Lost++
		return
	}
	r.stats.Delayed++
	r.net.seq++
	h.seq = r.net.seq
	r.net.push(h)
}

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when no packet is held back.
func (r *Relay) NextDeadline() time.Time {
	if len(r.net.held) == 0 {
		return time.Time{}
	}
	return r.net.held[0].at
}

// HandleTimeout adds to out the packets that were held back until now. An
// early call does nothing.
func (r *Relay) HandleTimeout(now time.Time, out *Batch) {
	for len(r.net.held) > 0 && !now.Before(r.net.held[0].at) {
		h := r.net.pop()
		if l := r.legs[h.ssrc]; l != nil && l.confirmed && !l.Deaf {
			r.seal(l, h.plain, out)
		}
	}
}

func (h held) before(o held) bool { return h.at.Before(o.at) || h.at.Equal(o.at) && h.seq < o.seq }

func (n *networks) push(h held) {
	n.held = append(n.held, h)
	for i := len(n.held) - 1; i > 0; {
		parent := (i - 1) / 2
		if !n.held[i].before(n.held[parent]) {
			return
		}
		n.held[i], n.held[parent] = n.held[parent], n.held[i]
		i = parent
	}
}

func (n *networks) pop() held {
	first, last := n.held[0], len(n.held)-1
	n.held[0] = n.held[last]
	n.held[last] = held{}
	n.held = n.held[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if n.held[child].before(n.held[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		n.held[i], n.held[least] = n.held[least], n.held[i]
		i = least
	}
}
