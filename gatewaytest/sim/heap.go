package sim

import (
	"time"

	"github.com/discordpkg/gateway/gatewaytest/world"
)

// A simEvent is something that happens at a time.
type simEvent struct {
	at    time.Duration // since the start
	order uint64        // among those of the same time
	kind  simKind
	link  *simLink    // of what happens on a connection
	owner *simClient  // of what happens to a client
	frame world.Frame // of what arrives
}

type simKind uint8

const (
	simWake        simKind = iota // a client does what its life says
	simDialFailed                 // a dial came to nothing
	simDialed                     // the server accepts it
	simToClient                   // a frame arrives
	simTorn                       // the beginning of a frame arrives
	simToServer                   // a message arrives
	simClientTimer                // the client's deadline
	simServerTimer                // the server's deadline
	simClientLost                 // the client notices that the connection broke
	simServerLost                 // the server does
	simTraffic                    // something happens in a guild
	simFault                      // something goes wrong
	simCommand                    // a client wants to send something
	simCheck                      // is everything delivered?
)

// A simHeap holds what is to happen, in order of time, then of scheduling.
type simHeap struct {
	events []simEvent
	next   uint64
}

func (h *simHeap) before(i, j int) bool {
	a, b := &h.events[i], &h.events[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

func (h *simHeap) push(e simEvent) {
	h.next++
	e.order = h.next
	h.events = append(h.events, e)
	for i := len(h.events) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.before(i, parent) {
			return
		}
		h.events[i], h.events[parent] = h.events[parent], h.events[i]
		i = parent
	}
}

func (h *simHeap) pop() (e simEvent, ok bool) {
	n := len(h.events)
	if n == 0 {
		return e, false
	}
	e = h.events[0]
	h.events[0] = h.events[n-1]
	h.events[n-1] = simEvent{}
	h.events = h.events[:n-1]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.events); child++ {
			if h.before(child, least) {
				least = child
			}
		}
		if least == i {
			return e, true
		}
		h.events[i], h.events[least] = h.events[least], h.events[i]
		i = least
	}
}
