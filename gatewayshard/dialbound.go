package gatewayshard

import (
	"context"
	"fmt"
)

// A DialBound is how many websockets may be opened at the same time, over all
// shards whose [Config] has it. It is safe for concurrent use.
type DialBound struct{ slots chan struct{} }

// NewDialBound returns a bound of n, which is at least 1. A place is held from
// the first packet to the end of the websocket handshake.
func NewDialBound(n int) (*DialBound, error) {
	if n < 1 {
		return nil, fmt.Errorf("gatewayshard: a bound of %d dials lets no shard connect", n)
	}
	return &DialBound{make(chan struct{}, n)}, nil
}

// enter waits for a place, but not longer than for ctx. Without a bound (nil)
// there is always one.
func (b *DialBound) enter(ctx context.Context) (leave func(), err error) {
	if b == nil {
		return func() {}, nil
	}
	select {
	case b.slots <- struct{}{}:
		return func() { <-b.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
