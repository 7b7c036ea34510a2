package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
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
}

func newJournal() *journal {
	return &journal{entries: entries{counts: make(map[event.Type]uint64)}}
}

// note enters an event. It returns the session that READY began.
func (j *journal) note(id gateway.ShardID, p *gateway.GatewayPayload) (session string) {
	if p.EventName == event.Ready {
		ready, _ := gateway.Decode[gateway.Ready](p.Data) // the state has read it before
		session = ready.SessionID
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e := &j.entries
	switch p.EventName {
	case event.Ready:
		e.readies++
		e.ledger.begin(id, session)
	case event.Resumed:
		e.resumes++
	}
	e.ledger.see(id, p.Seq)
	e.counts[p.EventName]++
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
	return session
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
