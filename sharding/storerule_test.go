package sharding_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/sharding"
)

// A hung store does not answer while it hangs, and may ignore its context.
type hung struct {
	sharding.MemoryStore
	obeys bool
	mu    sync.Mutex
	until chan struct{} // nil: it does not hang
	loads bool          // those hang, too
	calls atomic.Int64
}

func (h *hung) wait(ctx context.Context) error {
	h.mu.Lock()
	until := h.until
	h.mu.Unlock()
	if until == nil {
		return nil
	}
	if !h.obeys {
		ctx = context.Background()
	}
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hung) hang() (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	until := make(chan struct{})
	h.until = until
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.until = nil
		close(until)
	}
}

func (h *hung) Load(ctx context.Context, key string) (sharding.Checkpoint, error) {
	if h.loads {
		if err := h.wait(ctx); err != nil {
			return sharding.Checkpoint{}, err
		}
	}
	return h.MemoryStore.Load(ctx, key)
}

func (h *hung) Save(ctx context.Context, key string, c sharding.Checkpoint) error {
	h.calls.Add(1)
	defer h.calls.Add(-1)
	if h.calls.Load() > 1 {
		panic("two calls at a time")
	}
	if err := h.wait(ctx); err != nil {
		return err
	}
	return h.MemoryStore.Save(ctx, key, c)
}

// TestStoreThatHangs wants events to go on, a resume included, and the group to
// end.
func TestStoreThatHangs(t *testing.T) {
	for _, obeys := range []bool{true, false} {
		virtually(t, fmt.Sprint("obeys its context: ", obeys), func(t *testing.T) {
			d, c, _ := twoShards(t)
			var got diary
			c.Handler = got.handle
			store := &hung{obeys: obeys}
			c.Store = store
			g, err := c.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			done := run(t.Context(), g)
			_, err = d.WaitSessions(t.Context(), 2)
			require.NoError(t, err)
			time.Sleep(time.Minute)
			release := store.hang()
			for i := range 10 {
				begin := time.Now()
				require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}, d.Sessions()[0].ID))
				require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Resumes == i+1 }))
				d.say(t, 0, fmt.Sprint(i))
				for len(got.texts(event.MessageCreate)) <= i {
					time.Sleep(10 * time.Millisecond)
				}
				require.Less(t, time.Since(begin), 5*time.Second)
				time.Sleep(13 * time.Second)
			}
			s := g.Stats()
			require.ErrorIs(t, s.CheckpointError, sharding.ErrStoreSlow)
			require.NotZero(t, s.FailedSaves)
			begin := time.Now()
			require.ErrorIs(t, g.Close(t.Context(), gatewayshard.KeepSession), sharding.ErrStoreSlow)
			require.ErrorIs(t, <-done, sharding.ErrStoreSlow)
			require.Less(t, time.Since(begin), 15*time.Second, "the group ends whatever the store does")
			release()
		})
	}
	virtually(t, "at first", func(t *testing.T) {
		d, c, _ := twoShards(t)
		store := &hung{loads: true}
		release := store.hang()
		c.Store = store
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		begin := time.Now()
		require.ErrorIs(t, g.Run(t.Context()), sharding.ErrStoreSlow)
		require.Less(t, time.Since(begin), 11*time.Second)
		require.Zero(t, d.Stats().Connections)
		release()
	})
}

// A fence is a store that refuses after a while.
type fence struct {
	sharding.MemoryStore
	exact
	mu     sync.Mutex
	closed bool
	after  int // saves that came after the refusal
}

type exact struct{}

func (exact) Exact() {}

func (f *fence) Save(ctx context.Context, key string, c sharding.Checkpoint) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		f.after++
		return fmt.Errorf("epoch 7: %w", sharding.ErrFenced)
	}
	return f.MemoryStore.Save(ctx, key, c)
}

func (f *fence) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

// TestFence wants a group whose shards have a newer owner to end at once, and
// to leave the sessions alone.
func TestFence(t *testing.T) {
	virtually(t, "while it runs", func(t *testing.T) {
		d, c, _ := twoShards(t)
		store := new(fence)
		c.Store = store
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		store.close()
		d.say(t, 0, "a")
		require.ErrorIs(t, <-done, sharding.ErrFenced)
		require.Len(t, d.Sessions(), 2, "the sessions are left alone")
		for code := range d.Stats().Closes {
			require.NotContains(t, []any{1000, 1001}, int(code))
		}
		require.Equal(t, 1, store.after, "nothing more is saved")
		require.ErrorIs(t, g.Close(t.Context(), gatewayshard.EndSession), sharding.ErrFenced)
		require.Equal(t, 1, store.after)
	})
	virtually(t, "before it has begun", func(t *testing.T) {
		d, c, _ := twoShards(t)
		store := &fence{closed: true}
		c.Store = store
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		require.ErrorIs(t, g.Run(t.Context()), sharding.ErrFenced)
		require.Zero(t, d.Stats().Connections)
	})
}

// An ordered store writes down what came before what.
type ordered struct {
	sharding.MemoryStore
	exact
	fail atomic.Bool
	log  func(string)
}

func (o *ordered) Load(ctx context.Context, key string) (sharding.Checkpoint, error) {
	o.log("load")
	return o.MemoryStore.Load(ctx, key)
}

func (o *ordered) Save(ctx context.Context, key string, c sharding.Checkpoint) error {
	if o.fail.Load() {
		return errEnough
	}
	o.log("save")
	return o.MemoryStore.Save(ctx, key, c)
}

// TestExactStore wants one Load, and a Save before the first dial; RESUMED
// waits for nothing, and no event is marked as a replay.
func TestExactStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		var mu sync.Mutex
		var log []string
		note := func(s string) {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, s)
		}
		dial := c.Shard.NetDial
		c.Shard.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			note("dial")
			return dial(ctx, network, addr)
		}
		store := &ordered{log: note}
		var got diary
		c.Store, c.StoreKey, c.Handler, c.Total, c.MaxConcurrency = store, "key", got.handle, 2, 2
		store.fail.Store(true)
		g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(d.DialURL))
		require.NoError(t, err)
		require.ErrorIs(t, g.Run(t.Context()), errEnough)
		require.Equal(t, []string{"load"}, log, "nothing is dialed before a save")

		store.fail.Store(false)
		log = nil
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		require.Equal(t, []string{"load", "save", "dial", "dial"}, log[:4])
		c0, err := store.MemoryStore.Load(t.Context(), "key")
		require.NoError(t, err)
		c0.Shards[0].Open, c0.Shards[0].Seen = true, 1000
		require.NoError(t, store.MemoryStore.Save(t.Context(), "key", c0))
		d.say(t, 0, "meanwhile")
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		require.Equal(t, []string{"meanwhile"}, got.texts(event.MessageCreate))
		for _, e := range got.events {
			require.False(t, e.Replay)
		}
	})
}

// TestNothingIsAcknowledgedBeforeItIsSaved wants heartbeats that name what was
// acknowledged to name nothing that the store has not.
func TestNothingIsAcknowledgedBeforeItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(1), gatewaytest.WithHeartbeat(5*time.Second, time.Second), gatewaytest.WithRecord(1000))
		c := d.config()
		store := new(mortal)
		c.Store, c.Handler = store, func(context.Context, sharding.Event) error { return nil }
		g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithAcknowledgedHeartbeats())
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 1)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		store.set(false, errEnough)
		before := g.Checkpoint().Shards[0].Session.Seq
		for i := range 10 {
			d.say(t, 0, fmt.Sprint(i))
		}
		time.Sleep(time.Minute)
		last := func() string {
			beats := d.Commands()
			for i := len(beats) - 1; ; i-- {
				if beats[i].Op == opcode.Heartbeat {
					return string(beats[i].Data)
				}
			}
		}
		require.Equal(t, before+10, g.Checkpoint().Shards[0].Session.Seq)
		require.Equal(t, fmt.Sprint(before), last(), "the store has no more")
		store.set(false, nil)
		time.Sleep(time.Minute)
		require.Equal(t, fmt.Sprint(before+10), last())
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
}

// TestProgressHook wants the progress vector to be told when it moves, for
// events that are not wanted too.
func TestProgressHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		require.Zero(t, new(sharding.Group).Checkpoint())
		var mu sync.Mutex
		told := map[gateway.ShardID]sharding.ShardCheckpoint{}
		c.Hooks.Progress = func(c sharding.ShardCheckpoint) {
			mu.Lock()
			defer mu.Unlock()
			told[c.ID] = c
		}
		var held []sharding.Event
		c.ManualAcknowledge = true
		c.Handler = func(_ context.Context, e sharding.Event) error {
			if e.Name == event.MessageCreate {
				held = append(held, e.Clone())
			} else {
				e.Acknowledge()
			}
			return nil
		}
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		at := g.Checkpoint()
		require.Len(t, at.Shards, 2)
		last := func(id gateway.ShardID) sharding.ShardCheckpoint {
			mu.Lock()
			defer mu.Unlock()
			return told[id]
		}
		require.Equal(t, at.Shards, []sharding.ShardCheckpoint{last(0), last(1)})
		require.NotEmpty(t, at.Shards[0].Session.ResumeURL)
		d.say(t, 0, "a")
		time.Sleep(time.Minute)
		synctest.Wait()
		shard := held[0].Shard
		require.Equal(t, at.Shards[shard].Session, last(shard).Session, "it is not dealt with")
		held[0].Acknowledge()
		require.Equal(t, held[0].Seq, last(shard).Session.Seq, "at once")
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
}

// TestTwoOwnersOfAStore wants the second to be told who the first is, or to
// wait for it.
func TestTwoOwnersOfAStore(t *testing.T) {
	dir := t.TempDir()
	group := func(d *discord, c sharding.Config, options ...sharding.FileStoreOption) *sharding.Group {
		store, err := sharding.NewFileStore(dir, options...)
		require.NoError(t, err)
		c.Store, c.StoreKey = store, "key"
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		return g
	}
	virtually(t, "groups", func(t *testing.T) {
		d, c, _ := twoShards(t)
		first := group(d, c)
		done := run(t.Context(), first)
		_, err := d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Second)
		err = group(d, c).Run(t.Context())
		var locked *sharding.StoreLockedError
		require.ErrorAs(t, err, &locked)
		require.ErrorIs(t, err, sharding.ErrStoreLocked)
		require.Regexp(t, `^sharding: store: .*key\.json is in use by process \d+ on \S+ since \S+$`, err.Error())

		var owners []string
		second := group(d, c, sharding.AwaitRelease(func(owner string) { owners = append(owners, owner) }))
		waited := run(t.Context(), second)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{locked.Owner}, owners)
		require.Equal(t, 2, int(d.Stats().Connections), "it waits")
		require.NoError(t, first.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Resumes == 2 }))
		time.Sleep(time.Second)
		require.NoError(t, second.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-waited)
	})
}
