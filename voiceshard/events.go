package voiceshard

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// An Event is something that happened to a session. Fields that have nothing
// to do with its kind are zero.
type Event struct {
	Kind    EventKind
	At      time.Time
	Channel snowflake.ID          // of EventConnected and EventMoved
	User    snowflake.ID          // of EventUserJoined, EventUserLeft and EventSpeaking
	SSRC    uint32                // of EventSpeaking
	Flags   gateway.SpeakingFlags // of EventSpeaking; zero: fell silent
	Err     error                 // of EventEnded, and EventDisconnected
	Missed  int                   // events before this one that were not taken in time
}

// An EventKind is a kind of [Event].
type EventKind uint8

// The kinds of events.
const (
	EventConnected    EventKind = iota // audio flows, for the first time or again
	EventDisconnected                  // a connection has ended, the session goes on
	EventMoved                         // the bot is in another channel
	EventUserJoined                    // somebody is in the channel
	EventUserLeft                      // somebody is not in the channel any more
	EventSpeaking                      // somebody begins to speak, or ends; not all clients tell the end
	EventEnded                         // the last event
)

func (k EventKind) String() string {
	if k > EventEnded {
		return "unknown event"
	}
	return [...]string{"connected", "disconnected", "moved", "user joined", "user left", "speaking", "ended"}[k]
}

// Events returns the events from the beginning of the loop on, until the
// session or ctx ends or the loop does. Nothing waits for the loop: one that is
// too slow by more than 256 events misses the oldest, see [Event.Missed].
func (s *Session) Events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		f := s.feeds.open()
		defer s.feeds.remove(f)
		for ctx.Err() == nil {
			e, ok := s.feeds.take(f)
			if ok {
				if !yield(e) {
					return
				}
				continue
			}
			if f.closed {
				return
			}
			select {
			case <-f.signal:
			case <-ctx.Done():
			}
		}
	}
}

// emit hands an event to those who listen. It does not wait for anybody.
func (s *Session) emit(e Event) {
	e.At = time.Now()
	s.feeds.emit(e)
}

// maxEvents is how many events wait for one listener.
const maxEvents = 256

// feeds are those who listen to the events of a session.
type feeds struct {
	mu     sync.Mutex // guards what follows, and the feeds
	all    []*feed
	closed bool
}

// A feed is what one loop has not taken yet.
type feed struct {
	events []Event
	missed int
	signal chan struct{} // holds one
	closed bool          // nothing follows; of the loop
}

func (f *feeds) open() *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := &feed{signal: make(chan struct{}, 1)}
	f.all = append(f.all, one)
	return one
}

func (f *feeds) remove(one *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, other := range f.all {
		if other == one {
			f.all = append(f.all[:i], f.all[i+1:]...)
			return
		}
	}
}

// take returns the next event of a feed.
func (f *feeds) take(one *feed) (e Event, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.closed = f.closed
	if len(one.events) == 0 {
		return e, false
	}
	e = one.events[0]
	e.Missed, one.missed = one.missed, 0
	one.events = append(one.events[:0], one.events[1:]...)
	return e, true
}

func (f *feeds) emit(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.all {
		if len(one.events) == maxEvents {
			one.events = append(one.events[:0], one.events[1:]...)
			one.missed++
		}
		one.events = append(one.events, e)
		one.wake()
	}
}

// close ends all loops when they have taken what there is.
func (f *feeds) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, one := range f.all {
		one.wake()
	}
}

func (one *feed) wake() {
	select {
	case one.signal <- struct{}{}:
	default:
	}
}
