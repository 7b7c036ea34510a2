package sharding_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
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
	"github.com/discordpkg/gateway/sharding"
)

// A journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// TestCloseAndReshardInAHandler makes both calls from every place that waits
// for a handler, and from every kind of handler. Neither hangs, and the group ends.
func TestCloseAndReshardInAHandler(t *testing.T) {
	type call = func(ctx context.Context, g *sharding.Group) error
	reshard := func(ctx context.Context, g *sharding.Group) error { return g.Reshard(ctx, 2) }
	closing := func(ctx context.Context, g *sharding.Group) error { return g.Close(ctx, gatewayshard.EndSession) }
	for name, c := range map[string]struct {
		call
		own  bool // with a context of its own
		want error
		took time.Duration
	}{
		"close, with the handler's context":   {closing, false, nil, 0},
		"close, with another":                 {closing, true, gatewayshard.ErrHandlerRuns, 10 * time.Second},
		"reshard, with the handler's context": {reshard, false, gatewayshard.ErrInHandler, 0},
		"reshard, with another":               {reshard, true, gatewayshard.ErrHandlerRuns, time.Hour},
	} {
		for _, queue := range []int{0, 3} {
			virtually(t, fmt.Sprintf("%s, queue of %d", name, queue), func(t *testing.T) {
				d := newDiscord(t)
				config := d.config()
				config.Queue.Size, config.Total = queue, 1
				var g *sharding.Group
				var got error
				took := time.Duration(-1)
				config.Handler = func(ctx context.Context, e sharding.Event) error {
					if e.Name != event.MessageCreate || took >= 0 {
						return nil
					}
					begin := time.Now()
					if c.own {
						ctx = context.Background()
					}
					got = c.call(ctx, g)
					took = time.Since(begin)
					return nil
				}
				g, err := config.NewGroup("token", gateway.WithIntents(messages))
				require.NoError(t, err)
				done := run(context.Background(), g)
				_, err = d.WaitSessions(t.Context(), 1)
				require.NoError(t, err)
				d.say(t, 0, "x")
				time.Sleep(5 * time.Minute)
				require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
				require.NoError(t, <-done)
				require.ErrorIs(t, got, c.want)
				require.LessOrEqual(t, took, c.took)
				require.GreaterOrEqual(t, took, min(c.took, 10*time.Second))
				if errors.Is(got, gatewayshard.ErrHandlerRuns) && strings.HasPrefix(name, "reshard") {
					require.Equal(t, uint(2), g.Stats().Total, "the hand-over goes on when the handler has returned")
				}
			})
		}
	}
	virtually(t, "close in the body of a loop", func(t *testing.T) {
		d := newDiscord(t)
		g, err := d.config().NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		for _, err := range g.Events(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, g.Close(gatewayshard.WithinHandler(t.Context()), gatewayshard.EndSession))
		}
		require.Empty(t, d.Sessions(), "the loop has ended, and the session with it")
	})
}

// TestReshardObeysItsContext ends the context while the old shards wait for a handler.
func TestReshardObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		d, g, _, done := pair(t, func(c *sharding.Config) {
			handle := c.Handler
			c.Handler = func(ctx context.Context, e sharding.Event) error {
				if e.Name == event.MessageCreate {
					<-slow
				}
				return handle(ctx, e)
			}
		})
		d.say(t, 0, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		resharded := make(chan error, 1)
		begin := time.Now()
		go func() { resharded <- g.Reshard(ctx, 4) }()
		time.Sleep(15 * time.Second) // identifies and overlap
		cancel()
		err := <-resharded
		require.ErrorIs(t, err, context.Canceled)
		require.LessOrEqual(t, time.Since(begin), 25*time.Second)
		require.Equal(t, sharding.ErrResharding, g.Reshard(t.Context(), 8))
		close(slow)
		time.Sleep(time.Minute)
		require.Equal(t, uint(4), g.Stats().Total)
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
}

// TestPanicsOfHandlers has handlers panic, and end their goroutine, on each of the
// goroutines that call them.
func TestPanicsOfHandlers(t *testing.T) {
	for name, stop := range map[string]func(){"panic": func() { panic("oh no") }, "goexit": runtime.Goexit} {
		for _, queue := range []int{0, 2} {
			virtually(t, fmt.Sprintf("%s, queue of %d", name, queue), func(t *testing.T) {
				d := newDiscord(t, gatewaytest.WithGuilds(1, 1))
				c := d.config()
				var panics []string
				var mu sync.Mutex
				c.Hooks.HandlerPanic = func(e sharding.Event, err *gatewayshard.PanicError) {
					mu.Lock()
					defer mu.Unlock()
					panics = append(panics, text(e.Data))
					require.Contains(t, string(err.Stack), "inhandler_test.go")
					require.Equal(t, name == "goexit", errors.Is(err, gatewayshard.ErrHandlerExit))
				}
				c.Hooks.HandlerError = func(e sharding.Event, err error) { t.Errorf("%v reported twice", err) }
				c.Queue.Size = queue
				store := new(sharding.MemoryStore)
				c.Store, c.StoreKey = store, "key"
				var seen diary
				g := started(t, d, c, func(g *sharding.Group) {
					g.On(event.MessageCreate, seen.handle)
					g.On(event.MessageCreate, func(_ context.Context, e sharding.Event) error {
						if strings.HasPrefix(text(e.Data), "bad") {
							stop()
						}
						return nil
					})
				})
				for _, word := range []string{"a", "bad 1", "b", "bad 2", "c"} {
					d.say(t, 0, word)
				}
				time.Sleep(time.Minute)
				require.Equal(t, []string{"a", "bad 1", "b", "bad 2", "c"}, seen.texts(event.MessageCreate))
				require.Equal(t, []string{"bad 1", "bad 2"}, panics)
				stats := g.Stats()
				require.EqualValues(t, 2, stats.HandlerPanics)
				require.EqualValues(t, 2, stats.HandlerErrors)
				saved, err := store.Load(t.Context(), "key")
				require.NoError(t, err)
				require.Equal(t, stats.Shards[0].Seq, saved.Shards[0].Session.Seq, "a panic is dealt with")
			})
		}
	}
	virtually(t, "logged by default", func(t *testing.T) {
		d := newDiscord(t)
		var j journal
		c := d.config()
		c.Shard.Logger = slog.New(slog.NewTextHandler(&j, nil))
		c.Handler = func(context.Context, sharding.Event) error { panic("oh no") }
		started(t, d, c, nil)
		require.Contains(t, j.String(), `level=ERROR msg="handler panicked" shard=0 session=`)
		require.Contains(t, j.String(), `seq=1 event=READY panic="oh no" stack="goroutine`)
		require.NotContains(t, j.String(), "handler failed")
	})
	virtually(t, "while held events are handed on", func(t *testing.T) {
		var panics atomic.Int32
		d, g, seen, done := pair(t, func(c *sharding.Config) {
			handle := c.Handler
			c.Hooks.HandlerPanic = func(sharding.Event, *gatewayshard.PanicError) { panics.Add(1) }
			c.Handler = func(ctx context.Context, e sharding.Event) error {
				_ = handle(ctx, e)
				if e.Total == 4 && e.Name == event.Ready {
					runtime.Goexit()
				}
				return nil
			}
		})
		require.NoError(t, g.Reshard(t.Context(), 4))
		d.say(t, 0, "x")
		d.say(t, 1, "y")
		time.Sleep(time.Minute)
		require.EqualValues(t, 4, panics.Load())
		require.ElementsMatch(t, []string{"x", "y"}, seen.texts(event.MessageCreate))
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
}

func TestHandlersThatRunLong(t *testing.T) {
	for _, queue := range []int{0, 2} {
		virtually(t, fmt.Sprint("queue of ", queue), func(t *testing.T) {
			d := newDiscord(t)
			var j journal
			c := d.config()
			c.Shard.Logger = slog.New(slog.NewTextHandler(&j, nil))
			c.Queue.Size = queue
			c.Handler = func(_ context.Context, e sharding.Event) error {
				if e.Name == event.MessageCreate {
					time.Sleep(2 * time.Minute)
				}
				return nil
			}
			g := started(t, d, c, nil)
			d.say(t, 0, "x")
			time.Sleep(29 * time.Second)
			require.Zero(t, g.Stats().SlowHandlers)
			time.Sleep(10 * time.Second)
			for range 5 {
				d.say(t, 0, "y") // which fills the queue, and keeps the shard from reading
			}
			require.EqualValues(t, 1, g.Stats().SlowHandlers)
			require.Contains(t, j.String(), `level=WARN msg="handler is still running" shard=0 session=`)
			require.Contains(t, j.String(), `event=MESSAGE_CREATE limit=30s`)
			time.Sleep(time.Minute)
			require.EqualValues(t, 1, g.Stats().SlowHandlers, "once for each")
			time.Sleep(20 * time.Minute)
			require.EqualValues(t, 6, g.Stats().SlowHandlers)
			require.Equal(t, 6, strings.Count(j.String(), "still running"))
		})
	}
}

// TestHandlersComeAndGo registers and removes handlers while the group runs.
func TestHandlersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithGuilds(1, 1))
		var first, second, third diary
		var removeFirst func()
		g := started(t, d, d.config(), func(g *sharding.Group) {
			var err error
			removeFirst, err = g.On(event.MessageCreate, first.handle)
			require.NoError(t, err)
		})
		d.say(t, 0, "a")
		synctest.Wait()
		var removeSecond func()
		var err error
		removeSecond, err = g.On(event.MessageCreate, func(ctx context.Context, e sharding.Event) error {
			removeSecond() // once
			removeSecond()
			return second.handle(ctx, e)
		})
		require.NoError(t, err)
		d.say(t, 0, "b")
		d.say(t, 0, "c")
		synctest.Wait()
		removeFirst()
		d.say(t, 0, "d")
		synctest.Wait()
		sharding.Handle(g, event.MessageCreate, func(ctx context.Context, shard gateway.ShardID, v *struct{ Content string }) error {
			return third.handle(ctx, sharding.Event{Name: event.MessageCreate, Data: []byte(fmt.Sprintf(`{"content":%q}`, v.Content))})
		})
		require.NoError(t, g.Reshard(t.Context(), 2), "the new shards know the handlers too")
		d.say(t, 0, "e")
		synctest.Wait()
		require.Equal(t, []string{"a", "b", "c"}, first.texts(event.MessageCreate))
		require.Equal(t, []string{"b"}, second.texts(event.MessageCreate))
		require.Equal(t, []string{"e"}, third.texts(event.MessageCreate))
	})
}
