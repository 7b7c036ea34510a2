package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/sharding"
)

// A journal is what the handlers saw. It is safe for concurrent use.
type journal struct {
	mu      sync.Mutex // guards what follows
	entries entries
	changed chan struct{} // closed at the next event, nil while nobody waits
}

type entries struct {
	ledger  ledger
	counts  map[event.Type]uint64
	readies int
	resumes int
	begun   map[gateway.ShardID]struct{} // shards that had a READY or RESUMED
	cut     bool
	before  int // resumes when the connections were cut
}

// again returns how often sessions began or went on after the first time.
func (e *entries) again() int { return e.readies + e.resumes - len(e.begun) }

// resumedCut returns how many sessions went on after the cut.
func (e *entries) resumedCut() int {
	if !e.cut {
		return 0
	}
	return e.resumes - e.before
}

func newJournal() *journal {
	return &journal{entries: entries{counts: make(map[event.Type]uint64), begun: make(map[gateway.ShardID]struct{})}}
}

// note enters an event.
func (j *journal) note(e sharding.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := &j.entries
	switch e.Name {
	case event.Ready:
		n.readies++
		n.ledger.begin(e.Shard, e.Session, 0)
		n.begun[e.Shard] = struct{}{}
	case event.Resumed:
		if !e.Replay { // RESUMED is an event of its session, and comes again with the others
			n.resumes++
			n.begun[e.Shard] = struct{}{}
		}
	}
	n.ledger.see(e.Shard, e.Seq)
	n.counts[e.Name]++
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// look calls f with the entries. It must not keep them.
func (j *journal) look(f func(*entries)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(&j.entries)
}

// wait returns when done does, which is asked now and after each event.
func (j *journal) wait(ctx context.Context, done func(*entries) bool) error {
	for {
		j.mu.Lock()
		ok := done(&j.entries)
		if j.changed == nil {
			j.changed = make(chan struct{})
		}
		changed := j.changed
		j.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("gatewaybot: wait for events: %w", context.Cause(ctx))
		}
	}
}
