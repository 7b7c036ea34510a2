package sharding_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// started runs a group until the test ends, with all sessions up.
func started(t *testing.T, d *discord, c sharding.Config, prepare func(*sharding.Group)) *sharding.Group {
	t.Helper()
	g, err := c.NewGroup("token", gateway.WithIntents(messages))
	require.NoError(t, err)
	if prepare != nil {
		prepare(g)
	}
	done := run(context.Background(), g)
	t.Cleanup(func() {
		require.NoError(t, g.Close(context.Background(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
	_, err = d.WaitSessions(t.Context(), 1)
	require.NoError(t, err)
	synctest.Wait()
	return g
}

func TestTypedHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		type note struct {
			Content string `json:"content"`
			Guild   string `json:"guild_id"`
		}
		var notes, raw []string
		var failed []error
		c := d.config()
		c.Hooks.HandlerError = func(e sharding.Event, err error) {
			require.Equal(t, event.MessageCreate, e.Name)
			failed = append(failed, err)
		}
		started(t, d, c, func(g *sharding.Group) {
			sharding.Handle(g, event.MessageCreate, func(_ context.Context, shard gateway.ShardID, n *note) error {
				notes = append(notes, n.Content)
				if n.Content == "bad" {
					return errEnough
				}
				return nil
			})
			g.On(event.MessageCreate, func(_ context.Context, e sharding.Event) error {
				raw = append(raw, text(e.Data))
				return nil
			})
		})
		for _, content := range []string{"a", "bad", "c"} {
			d.say(t, 0, content)
		}
		_, err := d.Dispatch(event.MessageCreate, `{"content":7,"guild_id":"`+d.Guilds()[0].ID.String()+`","author":{"id":"`+gatewaytest.Bot.String()+`"}}`)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, []string{"a", "bad", "c"}, notes)
		require.Len(t, raw, 4, "every handler is called")
		require.Len(t, failed, 2)
		require.ErrorIs(t, failed[0], errEnough)
		require.ErrorContains(t, failed[1], "decode sharding_test.note")
	})
}

func TestUnhandledEventsAreNotDecoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		c := d.config()
		store := new(sharding.MemoryStore)
		c.Store, c.StoreKey = store, "key"
		g := started(t, d, c, func(g *sharding.Group) {
			g.On(event.TypingStart, func(context.Context, sharding.Event) error { return errors.New("not subscribed to") })
		})
		for range 10 {
			d.say(t, 0, "x")
		}
		synctest.Wait()
		time.Sleep(10 * time.Second)
		c2, err := store.Load(t.Context(), "key")
		require.NoError(t, err)
		require.Equal(t, g.Shard(0).Stats().Seq, c2.Shards[0].Session.Seq, "nor are they replayed for ever")
		require.Greater(t, c2.Shards[0].Session.Seq, int64(10))
	})
}

func TestHandlerErrorsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		c := d.config()
		var out strings.Builder
		var mu sync.Mutex
		c.Shard.Logger = slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return out.Write(p)
		}), nil))
		c.Handler = func(context.Context, sharding.Event) error { return errEnough }
		started(t, d, c, nil)
		mu.Lock()
		defer mu.Unlock()
		require.Contains(t, out.String(), `level=ERROR msg="handler failed" shard=0 session=`)
		require.Contains(t, out.String(), `seq=1 event=READY err=enough`)
		require.NotContains(t, out.String(), "token")
	})
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// A gate is a handler that waits for the test with each message.
type gate struct {
	diary
	open chan struct{}
	over <-chan struct{} // the test has ended
}

func newGate(t *testing.T, ahead int) *gate {
	return &gate{open: make(chan struct{}, ahead), over: t.Context().Done()}
}

func (g *gate) handle(ctx context.Context, e sharding.Event) error {
	if e.Name == event.MessageCreate {
		select {
		case <-g.open:
		case <-g.over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return g.diary.handle(ctx, e)
}

func TestSlowHandlersSlowDiscord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2), gatewaytest.WithMaxConcurrency(2), gatewaytest.WithGuilds(2, 1), gatewaytest.WithHeartbeat(time.Second, time.Second))
		slow := newGate(t, 0)
		c := d.config()
		c.Handler = slow.handle
		g := started(t, d, c, nil)
		n := 0
		for ; n < 500; n++ {
			d.say(t, 0, "x")
		}
		time.Sleep(time.Minute)
		id := gateway.DeriveShardID(uint64(d.Guilds()[0].ID), 2)
		require.Less(t, g.Shard(id).Stats().Events, uint64(10), "the rest waits in the network")
		require.Zero(t, g.Shard(id).Stats().Reconnects, "heartbeats do not wait")
		for range n {
			slow.open <- struct{}{}
		}
		synctest.Wait()
		require.Len(t, slow.of(event.MessageCreate), n)
	})
}

func TestQueues(t *testing.T) {
	for name, c := range map[string]struct {
		policy  sharding.QueuePolicy
		want    []string
		dropped []string
	}{
		"block":       {sharding.Block, []string{"a", "b", "c", "d", "e", "f"}, nil},
		"drop oldest": {sharding.DropOldest, []string{"a", "e", "f"}, []string{"b", "c", "d"}},
		"drop newest": {sharding.DropNewest, []string{"a", "b", "c"}, []string{"d", "e", "f"}},
	} {
		virtually(t, name, func(t *testing.T) {
			d := newDiscord(t, gatewaytest.WithGuilds(1, 1))
			slow := newGate(t, 0)
			var dropped []string
			config := d.config()
			config.Handler = slow.handle
			config.Queue = sharding.Queue{Size: 2, Policy: c.policy}
			config.Hooks.Dropped = func(e sharding.Event) { dropped = append(dropped, text(e.Data)) }
			store := new(sharding.MemoryStore)
			config.Store, config.StoreKey = store, "key"
			g := started(t, d, config, nil)
			for _, s := range []string{"a", "b", "c", "d", "e", "f"} {
				d.say(t, 0, s)
				synctest.Wait()
			}
			require.Equal(t, c.dropped, dropped)
			for range c.want {
				slow.open <- struct{}{}
			}
			synctest.Wait()
			require.Equal(t, c.want, slow.texts(event.MessageCreate))
			time.Sleep(10 * time.Second)
			stored, err := store.Load(t.Context(), "key")
			require.NoError(t, err)
			require.Equal(t, g.Shard(0).Stats().Seq, stored.Shards[0].Session.Seq, "dropped is dealt with")
		})
	}
}

func TestEventsInALoop(t *testing.T) {
	virtually(t, "break", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(3), gatewaytest.WithMaxConcurrency(3))
		g, err := d.config().NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		var names []event.Type
		for e, err := range g.Events(t.Context()) {
			require.NoError(t, err)
			if names = append(names, e.Name); len(names) == 6 {
				break
			}
		}
		slices.Sort(names)
		require.Equal(t, []event.Type{"GUILD_CREATE", "GUILD_CREATE", "GUILD_CREATE", "READY", "READY", "READY"}, names)
		require.Len(t, d.Sessions(), 3)
		for _, err := range g.Events(t.Context()) {
			require.Equal(t, sharding.ErrStarted, err)
		}
	})
	virtually(t, "error", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithToken("other"))
		g, err := d.config().NewGroup("token")
		require.NoError(t, err)
		for _, err := range g.Events(t.Context()) {
			require.ErrorIs(t, err, sharding.ErrUnauthorized)
		}
	})
	virtually(t, "panic", func(t *testing.T) {
		d := newDiscord(t)
		g, err := d.config().NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		require.PanicsWithValue(t, "oh", func() {
			for range g.Events(t.Context()) {
				panic("oh")
			}
		})
	})
	g, err := sharding.NewGroup("token", new(diary).handle)
	require.NoError(t, err)
	for _, err := range g.Events(t.Context()) {
		require.ErrorContains(t, err, "none left")
	}
}
