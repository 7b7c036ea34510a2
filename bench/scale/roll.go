package main

import (
	"context"
	"sync"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/sharding"
)

// A roll is who has been called at least once. It is safe for concurrent use.
type roll struct {
	complete chan struct{} // closed when everybody was

	mu     sync.Mutex // guards what follows
	called []bool
	absent int
	all    int // calls
}

func newRoll(shards int) *roll {
	return &roll{complete: make(chan struct{}), called: make([]bool, shards), absent: shards}
}

func (r *roll) call(shard gateway.ShardID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all++
	if r.called[shard] {
		return
	}
	r.called[shard] = true
	if r.absent--; r.absent == 0 {
		close(r.complete)
	}
}

// handle is call as the handler of an event.
func (r *roll) handle(_ context.Context, e sharding.Event) error {
	r.call(e.Shard)
	return nil
}

func (r *roll) present() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.called) - r.absent
}

func (r *roll) calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}
