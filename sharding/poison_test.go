package sharding_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

var errDied = errors.New("the process died")

// A lifelong store keeps nothing of a process that has died.
type lifelong struct {
	*sharding.MemoryStore
	dead  atomic.Bool
	saves atomic.Int32
}

func (s *lifelong) Save(ctx context.Context, key string, c sharding.Checkpoint) error {
	if s.dead.Load() {
		return errDied
	}
	s.saves.Add(1)
	return s.MemoryStore.Save(ctx, key, c)
}

// A life is one process: a group that runs until a handler meets an event that ends it.
type life struct {
	diary
	j     journal
	aside []string
	saves int32
	died  bool
}

func (l *life) run(t *testing.T, d *discord, memory *sharding.MemoryStore, deadly func(e sharding.Event) bool, more func(*sharding.Config)) {
	store := &lifelong{MemoryStore: memory}
	ctx, cancel := context.WithCancelCause(context.Background())
	c := d.config()
	c.Shard.Logger = slog.New(slog.NewTextHandler(&l.j, nil))
	c.Store, c.StoreKey = store, "key"
	c.Hooks.SetAside = func(e sharding.Event) { l.aside = append(l.aside, string(e.Name)+" "+text(e.Data)) }
	var once sync.Once
	c.Handler = func(handling context.Context, e sharding.Event) error {
		if deadly(e) {
			once.Do(func() {
				store.dead.Store(true)
				cancel(errDied)
			})
			<-handling.Done() // nothing is dealt with any more
			return handling.Err()
		}
		return l.diary.handle(handling, e)
	}
	if more != nil {
		more(&c)
	}
	g, err := c.NewGroup("token", gateway.WithIntents(messages))
	require.NoError(t, err)
	done := run(ctx, g)
	time.Sleep(30 * time.Second)
	if l.died = store.dead.Load(); !l.died {
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
	}
	err = <-done
	require.Equal(t, l.died, errors.Is(err, errDied), "%v", err)
	l.saves = store.saves.Load()
}

// lives runs one process after another, until one survives. It returns it and the number of deaths.
func lives(t *testing.T, d *discord, memory *sharding.MemoryStore, deadly func(e sharding.Event) bool, more func(*sharding.Config)) (*life, int) {
	for deaths := range 12 {
		l := new(life)
		if l.run(t, d, memory, deadly, more); !l.died {
			return l, deaths
		}
		require.Empty(t, l.aside)
	}
	t.Fatal("a crash loop")
	return nil, 0
}

func TestEventsThatEndTheProcess(t *testing.T) {
	poison := func(e sharding.Event) bool { return strings.HasPrefix(text(e.Data), "poison") }
	for name, words := range map[string][]string{
		"at once":             {"poison", "a", "b"},
		"behind other events": {"a", "b", "poison", "c"},
	} {
		for _, queue := range []int{0, 4} {
			virtually(t, name, func(t *testing.T) {
				d := newDiscord(t)
				memory := new(sharding.MemoryStore)
				l := new(life)
				l.run(t, d, memory, func(sharding.Event) bool { return false }, nil)
				require.False(t, l.died)
				for _, word := range words {
					d.say(t, 0, word)
				}
				l, deaths := lives(t, d, memory, poison, func(c *sharding.Config) { c.Queue.Size = queue })
				require.Equal(t, 3, deaths)
				require.Equal(t, []string{"MESSAGE_CREATE poison"}, l.aside)
				require.Contains(t, l.j.String(), `level=ERROR msg="event set aside: processes that handled it have ended, again and again" shard=0 session=`)
				require.Contains(t, l.j.String(), `event=MESSAGE_CREATE processes=3 data="{`)
				require.Contains(t, l.texts(event.MessageCreate), words[len(words)-1])

				l = new(life)
				d.say(t, 0, "later")
				l.run(t, d, memory, poison, nil)
				require.Equal(t, []string{"later"}, l.texts(event.MessageCreate), "it does not come again")
				require.Less(t, l.saves, int32(8), "and saves are as rare as before")
			})
		}
	}
	virtually(t, "two of them", func(t *testing.T) {
		d := newDiscord(t)
		memory := new(sharding.MemoryStore)
		new(life).run(t, d, memory, func(sharding.Event) bool { return false }, nil)
		for _, word := range []string{"a", "poison 1", "b", "poison 2", "c"} {
			d.say(t, 0, word)
		}
		aside := 0
		for range 10 {
			l := new(life)
			l.run(t, d, memory, poison, nil)
			aside += len(l.aside)
			if !l.died {
				require.Equal(t, []string{"c"}, l.texts(event.MessageCreate)[len(l.texts(event.MessageCreate))-1:])
				require.Equal(t, 2, aside)
				return
			}
		}
		t.Fatal("a crash loop")
	})
	virtually(t, "before the session was ever stored", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithGuilds(1, 1))
		l, deaths := lives(t, d, new(sharding.MemoryStore), func(e sharding.Event) bool { return e.Name == event.GuildCreate }, nil)
		require.Equal(t, 3, deaths)
		require.NotEmpty(t, l.aside)
		require.True(t, strings.HasPrefix(l.aside[0], "GUILD_CREATE"))
	})
	virtually(t, "but never, if that is not wanted", func(t *testing.T) {
		d := newDiscord(t)
		memory := new(sharding.MemoryStore)
		new(life).run(t, d, memory, func(sharding.Event) bool { return false }, nil)
		d.say(t, 0, "poison")
		for range 8 {
			l := new(life)
			l.run(t, d, memory, poison, func(c *sharding.Config) { c.SetAsideAfter = -1 })
			require.True(t, l.died)
		}
	})
	_, err := sharding.Config{SetAsideAfter: 2}.NewGroup("token")
	require.ErrorContains(t, err, "less than 3 processes")
}

// TestDeathsWithoutAReason kills processes of a bot to which nothing happens: it costs nothing.
func TestDeathsWithoutAReason(t *testing.T) {
	virtually(t, "idle", func(t *testing.T) {
		d := newDiscord(t)
		memory := new(sharding.MemoryStore)
		for range 6 {
			l := new(life)
			l.run(t, d, memory, func(e sharding.Event) bool { return e.Name == event.Resumed && len(l.events) > 3 }, nil)
			require.Empty(t, l.aside)
		}
		d.say(t, 0, "x")
		l := new(life)
		l.run(t, d, memory, func(sharding.Event) bool { return false }, nil)
		require.Equal(t, []string{"x"}, l.texts(event.MessageCreate))
	})
}
