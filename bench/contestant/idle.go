package contestant

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/discordpkg/gateway/bench/process"
)

// acquaintances connect before the counting begins, so that what a process
// needs once is not laid to the shards.
const acquaintances = 20

// crowd is how many connect at the same time.
const crowd = 64

// Idle opens many connections, lets each receive its plan and beat,
// and returns what one of them holds then.
func Idle(ctx context.Context, j Job, heartbeat time.Duration) (process.Footprint, error) {
	connect, ok := clients[j.Client]
	if !ok {
		return process.Footprint{}, fmt.Errorf("contestant: no client %q", j.Client)
	}
	if err := gather(ctx, j, connect, acquaintances); err != nil {
		return process.Footprint{}, err
	}
	before, err := rest(ctx, heartbeat)
	if err != nil {
		return process.Footprint{}, err
	}
	if err := gather(ctx, j, connect, j.Shards); err != nil {
		return process.Footprint{}, err
	}
	after, err := rest(ctx, heartbeat)
	return after.PerEach(j.Shards, before), err
}

// gather connects n times and returns when all plans are received.
func gather(ctx context.Context, j Job, connect client, n int) error {
	failed := make(chan error, n)
	room := make(chan struct{}, crowd)
	var received sync.WaitGroup
	for range n {
		select {
		case room <- struct{}{}:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		var marks int
		received.Add(1)
		go func() {
			err := connect(ctx, j, func() {
				if marks++; marks == 2 {
					<-room
					received.Done()
				}
			})
			if err != nil {
				failed <- err
			}
		}()
	}
	all := make(chan struct{})
	go func() {
		received.Wait()
		close(all)
	}()
	select {
	case <-all:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// rest waits until everyone has beaten twice, and returns what the process holds then.
func rest(ctx context.Context, heartbeat time.Duration) (process.Footprint, error) {
	select {
	case <-time.After(5 * heartbeat / 2):
		return process.Weigh(), nil
	case <-ctx.Done():
		return process.Footprint{}, context.Cause(ctx)
	}
}
