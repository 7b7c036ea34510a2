package sharding_test

import (
	"context"
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

// A mortal store dies with its process: what is saved afterwards is not.
type mortal struct {
	sharding.MemoryStore
	mu   sync.Mutex
	dead bool
	fail error
}

func (m *mortal) Save(ctx context.Context, key string, c sharding.Checkpoint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead || m.fail != nil {
		return m.fail
	}
	return m.MemoryStore.Save(ctx, key, c)
}

func (m *mortal) set(dead bool, fail error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead, m.fail = dead, fail
}

// process runs a group with a store until f returns, and then closes it.
func process(t *testing.T, d *discord, c sharding.Config, mode gatewayshard.CloseMode, f func(g *sharding.Group)) {
	t.Helper()
	g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(d.DialURL))
	require.NoError(t, err)
	done := run(t.Context(), g)
	_, err = d.WaitSessions(t.Context(), 2)
	require.NoError(t, err)
	time.Sleep(time.Second) // until what was resumed is saved
	f(g)
	require.NoError(t, g.Close(t.Context(), mode))
	require.NoError(t, <-done)
}

func twoShards(t *testing.T) (*discord, sharding.Config, *mortal) {
	d := newDiscord(t, gatewaytest.WithShards(2), gatewaytest.WithMaxConcurrency(2), gatewaytest.WithGuilds(2, 1))
	store := new(mortal)
	c := d.config()
	c.Store = store
	return d, c, store
}

func TestNextProcessResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		var first, second, third diary
		c.Handler = first.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			d.say(t, 0, "a")
			d.say(t, 1, "b")
			synctest.Wait()
		})
		d.say(t, 0, "c")
		c.Handler = second.handle
		process(t, d, c, gatewayshard.EndSession, func(*sharding.Group) {
			d.say(t, 1, "d")
			synctest.Wait()
		})
		require.ElementsMatch(t, []string{"a", "b"}, first.texts(event.MessageCreate))
		require.ElementsMatch(t, []string{"c", "d"}, second.texts(event.MessageCreate))
		require.Empty(t, second.of(event.Ready))
		for _, e := range second.events {
			require.False(t, e.Replay, "an orderly end leaves no doubt: %+v", e)
			require.NotEmpty(t, e.Session)
		}
		require.Equal(t, 2, int(d.Stats().Identifies))
		require.Equal(t, 2, int(d.Stats().Resumes))

		c.Handler = third.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		require.Len(t, third.of(event.Ready), 2, "ended sessions are not stored")
		require.Empty(t, d.Violations())
	})
}

func TestCrashReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, store := twoShards(t)
		var first, second, third diary
		c.Handler = first.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			time.Sleep(time.Minute)
			d.say(t, 0, "saved")
			time.Sleep(time.Minute)
			store.set(true, nil)
			d.say(t, 0, "not saved")
			synctest.Wait()
		})
		d.say(t, 0, "while away")
		store.set(false, nil)
		c.Handler = second.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			d.say(t, 0, "after")
			synctest.Wait()
			require.Equal(t, []string{"not saved", "while away", "after"}, second.texts(event.MessageCreate))
			for i, replay := range []bool{true, true, false} {
				require.Equal(t, replay, second.of(event.MessageCreate)[i].Replay)
			}
			store.set(true, nil)
		})
		// The orderly end was not saved either. What the first handlers saw is not known.
		store.set(false, nil)
		c.Handler = third.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			d.say(t, 0, "later")
			synctest.Wait()
		})
		last := third.of(event.MessageCreate)
		require.Equal(t, "later", text(last[len(last)-1].Data))
		require.False(t, last[len(last)-1].Replay)
		for _, e := range last[:len(last)-1] {
			require.True(t, e.Replay)
		}
		require.Equal(t, 2, int(d.Stats().Identifies))
	})
}

// TestCrashDuringAReplay ends a process in order before it has reached the
// end of what a crashed one left: the doubt stays.
func TestCrashDuringAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, store := twoShards(t)
		var first, third diary
		c.Handler = first.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			time.Sleep(time.Minute)
			store.set(true, nil)
			for _, s := range []string{"a", "b", "c", "d"} {
				d.say(t, 0, s)
			}
			synctest.Wait()
		})
		store.set(false, nil)
		stopped := newGate(t, 1)
		stopped.open <- struct{}{}
		c.Handler = stopped.handle
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := run(ctx, g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		synctest.Wait()
		cancel(errEnough)
		require.Equal(t, errEnough, <-done)
		require.Equal(t, []string{"a"}, stopped.texts(event.MessageCreate))

		c.Handler = third.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		require.Equal(t, []string{"b", "c", "d"}, third.texts(event.MessageCreate))
		for _, e := range third.of(event.MessageCreate) {
			require.True(t, e.Replay, "the first process has seen it")
		}
	})
}

func TestQueuedEventsAreLeftToTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		c.Queue.Size = 10
		slow := newGate(t, 0)
		c.Handler = slow.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			for _, s := range []string{"a", "b", "c"} {
				d.say(t, 0, s)
			}
			synctest.Wait()
			go func() {
				time.Sleep(time.Second) // Close has begun
				slow.open <- struct{}{}
			}()
		})
		require.Equal(t, []string{"a"}, slow.texts(event.MessageCreate))
		var next diary
		c.Handler = next.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		require.Equal(t, []string{"b", "c"}, next.texts(event.MessageCreate))
		for _, e := range next.events {
			require.False(t, e.Replay, "no handler has seen it")
		}
	})
}

func TestEndSessionEmptiesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		c.Queue.Size = 10
		slow := newGate(t, 3)
		c.Handler = slow.handle
		process(t, d, c, gatewayshard.EndSession, func(*sharding.Group) {
			for _, s := range []string{"a", "b", "c"} {
				d.say(t, 0, s)
			}
			synctest.Wait()
			go func() {
				time.Sleep(time.Second)
				for range 3 {
					slow.open <- struct{}{}
				}
			}()
		})
		require.Equal(t, []string{"a", "b", "c"}, slow.texts(event.MessageCreate))
	})
}

func TestManualAcknowledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		c.ManualAcknowledge = true
		var first, second diary
		c.Handler = first.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			for _, s := range []string{"a", "b", "c"} {
				d.say(t, 0, s)
			}
			synctest.Wait()
			got := first.of(event.MessageCreate)
			got[1].Acknowledge()
			got[0].Acknowledge() // changes nothing
			sharding.Event{}.Acknowledge()
		})
		c.Handler = second.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			d.say(t, 0, "d")
			synctest.Wait()
		})
		require.Equal(t, []string{"c", "d"}, second.texts(event.MessageCreate))
		got := second.of(event.MessageCreate)
		require.True(t, got[0].Replay, "handed out, and not acknowledged")
		require.False(t, got[1].Replay)
	})
}

func TestStoreThatFails(t *testing.T) {
	virtually(t, "at first", func(t *testing.T) {
		d, c, store := twoShards(t)
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		store.set(false, errEnough) // the disk is full
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Resumes == 2 }), "a bot that can resume does")
		time.Sleep(time.Second)
		require.ErrorIs(t, g.Stats().CheckpointError, errEnough)
		require.NotZero(t, g.Stats().FailedSaves)
		require.ErrorIs(t, g.Close(t.Context(), gatewayshard.KeepSession), errEnough)
		require.ErrorIs(t, <-done, errEnough)
	})
	virtually(t, "for a while, and in the end", func(t *testing.T) {
		d, c, store := twoShards(t)
		var failed, saved atomic.Int64
		c.Hooks.Checkpoint = func(_ time.Duration, err error) {
			if err != nil {
				failed.Add(1)
			} else {
				saved.Add(1)
			}
		}
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Zero(t, failed.Load())
		require.Less(t, saved.Load(), int64(5), "nothing changes, nothing is saved")
		store.set(false, errEnough)
		d.say(t, 0, "a")
		time.Sleep(time.Minute)
		require.Greater(t, failed.Load(), int64(5))
		require.ErrorIs(t, g.Close(t.Context(), gatewayshard.KeepSession), errEnough)
		require.ErrorIs(t, <-done, errEnough)
	})
	virtually(t, "and lies", func(t *testing.T) {
		d, c, store := twoShards(t)
		c.StoreKey = "key"
		require.NoError(t, store.Save(t.Context(), "key", sharding.Checkpoint{Total: 1 << 30}))
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		require.ErrorContains(t, g.Run(t.Context()), "load sessions")
		require.Zero(t, d.Stats().Connections)
	})
}

func TestStoredShardCount(t *testing.T) {
	for name, c := range map[string]struct {
		total      uint
		identifies int
	}{"none is given": {0, 0}, "the same": {2, 0}, "another": {3, 3}} {
		virtually(t, name, func(t *testing.T) {
			d, config, _ := twoShards(t)
			process(t, d, config, gatewayshard.KeepSession, func(*sharding.Group) { time.Sleep(time.Minute) })
			more := newDiscord(t, gatewaytest.WithShards(5))
			config.Discovery = more.config().Discovery
			config.Total, config.MaxConcurrency = c.total, 2
			process(t, d, config, gatewayshard.KeepSession, func(g *sharding.Group) {
				time.Sleep(time.Minute)
			})
			require.Equal(t, 2+c.identifies, int(d.Stats().Identifies))
		})
	}
}

// TestSessionsThatAreGone are stored but not known to Discord any more.
func TestSessionsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		time.Sleep(time.Hour)
		var next diary
		c.Handler = next.handle
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {
			time.Sleep(time.Minute)
			d.say(t, 0, "a")
			synctest.Wait()
		})
		require.Len(t, next.of(event.Ready), 2)
		for _, e := range next.events {
			require.False(t, e.Replay, "a new session replays nothing")
		}
		require.Equal(t, 4, int(d.Stats().Identifies))
		require.Empty(t, d.Violations())
	})
}

// A session that is resumed does not name the bot again: the checkpoint does.
func TestUserIDOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		process(t, d, c, gatewayshard.KeepSession, func(g *sharding.Group) {
			require.Equal(t, gatewaytest.Bot, g.UserID())
		})
		process(t, d, c, gatewayshard.KeepSession, func(g *sharding.Group) {
			require.Equal(t, gatewaytest.Bot, g.UserID())
		})
		require.Equal(t, 2, int(d.Stats().Identifies))
	})
}
