package gatewayshard

import (
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
)

// A Shared is what the shards of a bot share: the identifies of the day, the
// hosts that do not answer, and the end of an outage. It is a
// [lifecycle.Shared] that may be used concurrently. A shard without one in its
// [Config] has one for itself.
type Shared struct {
	mu      sync.Mutex // guards what follows; comes after that of a shard
	machine *lifecycle.Shared
	shards  map[uint]*Shard // those that run
}

// NewShared returns what the shards of a bot share that has no shards yet.
func NewShared(options ...lifecycle.SharedOption) (*Shared, error) {
	machine, err := lifecycle.NewShared(options...)
	if err != nil {
		return nil, err
	}
	return &Shared{machine: machine, shards: make(map[uint]*Shard)}, nil
}

// Use calls f with the machine, which nothing else uses until f returns: to tell
// its budget what Discord said, or to store it. F calls no shard.
func (s *Shared) Use(f func(*lifecycle.Shared)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.machine)
}

// join notes that a shard runs.
func (s *Shared) join(shard *Shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shards[uint(shard.id)] = shard
}

// leave notes that a shard does not run any more.
func (s *Shared) leave(shard *Shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := uint(shard.id); s.shards[id] == shard { // not one that has taken its place
		delete(s.shards, id)
		s.machine.Gone(id)
	}
}

func (s *Shared) ask(now time.Time, r lifecycle.Request) lifecycle.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.Ask(now, r)
}

func (s *Shared) dialed(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machine.Dialed(host)
}

func (s *Shared) dialFailed(now time.Time, id gateway.ShardID, host string, f lifecycle.HostFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machine.DialFailed(now, uint(id), host, f)
}

func (s *Shared) isDown(now time.Time, host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.machine.HostUntil(now, host).IsZero()
}

func (s *Shared) identified(now time.Time, id gateway.ShardID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machine.Identified(now, uint(id))
}

// waits notes that a shard waits, and returns when the wait is to end at the latest.
func (s *Shared) waits(now time.Time, id gateway.ShardID) (at time.Time, wake bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.Waits(now, uint(id))
}

// through notes that READY or RESUMED came to a shard, and wakes those that the
// outage keeps waiting. The caller holds no mutex.
func (s *Shared) through(now time.Time, id gateway.ShardID) {
	s.mu.Lock()
	wakes := s.machine.Through(now, uint(id))
	shards := make([]*Shard, len(wakes))
	for i, w := range wakes {
		shards[i] = s.shards[w.Shard]
	}
	s.mu.Unlock()
	for i, w := range wakes {
		if shards[i] != nil {
			shards[i].Wake(w.At)
		}
	}
}
