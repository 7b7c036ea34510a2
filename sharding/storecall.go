package sharding

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrFenced is what a [Store] returns, or wraps, when it refuses a Save
	// for good because a newer owner has the shards. It ends [Group.Run] at once:
	// connections are closed, sessions are left alone, and nothing more is saved.
	ErrFenced = errors.New("sharding: a newer owner has these shards")

	// ErrStoreSlow reports a [Store] that did not answer in time, or is still
	// busy with an earlier call.
	ErrStoreSlow = errors.New("sharding: the store does not answer")
)

// storeCalls are those of a group to its store: one at a time, each with a
// deadline, even if the store does not obey it. A call that is given up goes on
// in the background, and no other is made before it has ended.
type storeCalls struct {
	timeout time.Duration
	busy    chan struct{} // one element while there is a call
}

func newStoreCalls(timeout time.Duration) *storeCalls {
	return &storeCalls{timeout, make(chan struct{}, 1)}
}

// do makes a call.
func (s *storeCalls) do(ctx context.Context, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		defer cancel()
		return s.late(ctx)
	}
	done := make(chan error, 1)
	go func() {
		err := call(ctx)
		if err != nil && ctx.Err() != nil {
			err = s.late(ctx)
		}
		<-s.busy
		done <- err
		cancel()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// One that obeys its context answers in a moment.
	grace := time.NewTimer(obedience)
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-grace.C:
		return s.late(ctx)
	}
}

// obedience is how long a store may take to notice that its context has ended.
const obedience = 100 * time.Millisecond

func (s *storeCalls) late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w within %v", ErrStoreSlow, s.timeout)
	}
	return fmt.Errorf("%w: %w", ErrStoreSlow, context.Cause(ctx))
}

// idle reports whether no call is under way.
func (s *storeCalls) idle() bool { return len(s.busy) == 0 }
