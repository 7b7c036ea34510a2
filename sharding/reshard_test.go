package sharding_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// A census counts numbered messages per guild.
type census struct {
	mu        sync.Mutex
	seen      map[int]int
	last      map[string]int // per guild
	disorder  int
	readies   map[uint]int
	announced int
	arrived   chan struct{} // one for each message
	pause     time.Duration // of the first shards' handlers
}

func newCensus() *census {
	return &census{seen: map[int]int{}, last: map[string]int{}, readies: map[uint]int{}, arrived: make(chan struct{}, 1<<20)}
}

func (c *census) handle(_ context.Context, e sharding.Event) error {
	if e.Total == 4 {
		time.Sleep(c.pause)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e.Name {
	case event.Ready:
		c.readies[e.Total]++
	case event.GuildCreate:
		c.announced++
	case event.MessageCreate:
		m, err := gateway.Decode[struct {
			Content string
			Guild   string `json:"guild_id"`
		}](e.Data)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(m.Content)
		if err != nil {
			return err
		}
		c.seen[n]++
		if n < c.last[m.Guild] {
			c.disorder++
		}
		c.last[m.Guild] = n
		c.arrived <- struct{}{}
	}
	return nil
}

// traffic sends numbered messages to all guilds until stop is called, which returns how many.
func traffic(t *testing.T, srv *gatewaytest.Server, pause time.Duration, burst int) (stop func() int) {
	done, sent := make(chan struct{}), make(chan int)
	guilds := srv.Guilds()
	go func() {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		n := 0
		for {
			for range burst {
				if _, err := srv.Dispatch(event.MessageCreate, message(guilds[n%len(guilds)], strconv.Itoa(n))); err != nil {
					t.Error(err)
				}
				n++
			}
			select {
			case <-ticker.C:
			case <-done:
				sent <- n
				return
			}
		}
	}()
	return func() int { close(done); return <-sent }
}

// grow reshards from 4 to 8 to 16 under load, and counts.
func grow(t *testing.T, srv *gatewaytest.Server, c sharding.Config, pause time.Duration, burst int, slow time.Duration) {
	count := newCensus()
	count.pause = slow
	c.Handler, c.Total, c.MaxConcurrency = count.handle, 4, 16
	g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(srv.DialURL))
	require.NoError(t, err)
	done := run(t.Context(), g)
	_, err = srv.WaitSessions(t.Context(), 4)
	require.NoError(t, err)
	stop := traffic(t, srv, pause, burst)
	for _, total := range []uint{8, 16} {
		require.NoError(t, g.Reshard(t.Context(), total))
		require.NotNil(t, g.Shard(gateway.ShardID(total-1)))
	}
	sent := stop()
	for range sent {
		<-count.arrived
	}
	require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
	require.NoError(t, <-done)
	require.Empty(t, count.arrived, "nothing came twice")
	require.Len(t, count.seen, sent, "nothing is lost")
	require.Zero(t, count.disorder, "guilds stay in order")
	require.Equal(t, map[uint]int{4: 4, 8: 8, 16: 16}, count.readies)
	require.Equal(t, len(srv.Guilds()), count.announced, "only once, by the first shards")
	require.Empty(t, srv.Violations())
	t.Logf("%d events", sent)
}

func TestReshardUnderLoad(t *testing.T) {
	options := []gatewaytest.Option{gatewaytest.WithGuilds(50, 1), gatewaytest.WithMaxConcurrency(16), gatewaytest.WithReplay(1e6, 1<<30, time.Hour)}
	t.Run("sockets", func(t *testing.T) {
		srv := gatewaytest.NewServer(append(options, gatewaytest.WithIdentifyInterval(0))...)
		defer srv.Close()
		c := live(srv)
		c.Reshard.Overlap = time.Second
		grow(t, srv, c, 5*time.Millisecond, 10, 0)
	})
	virtually(t, "virtual", func(t *testing.T) {
		d := newDiscord(t, options...)
		grow(t, d.Server, d.config(), 50*time.Millisecond, 5, 0)
	})
	virtually(t, "slow handlers", func(t *testing.T) {
		d := newDiscord(t, options...)
		c := d.config()
		c.Queue.Size = 3
		c.Reshard.Hold = 5
		grow(t, d.Server, c, 50*time.Millisecond, 5, 60*time.Millisecond) // they fall behind
	})
}

// pair runs a group of two shards over a Discord that recommends four.
func pair(t *testing.T, c func(*sharding.Config), options ...gatewaytest.Option) (*discord, *sharding.Group, *diary, <-chan error) {
	d := newDiscord(t, append([]gatewaytest.Option{gatewaytest.WithShards(4), gatewaytest.WithMaxConcurrency(4), gatewaytest.WithGuilds(4, 1)}, options...)...)
	config := d.config()
	var got diary
	config.Handler, config.Total = got.handle, 2
	if c != nil {
		c(&config)
	}
	g, err := config.NewGroup("token", gateway.WithIntents(messages))
	require.NoError(t, err)
	done := run(context.Background(), g)
	_, err = d.WaitSessions(t.Context(), 2)
	require.NoError(t, err)
	time.Sleep(10 * time.Second)
	return d, g, &got, done
}

func TestReshardIsGivenUp(t *testing.T) {
	virtually(t, "with its context", func(t *testing.T) {
		d, g, got, done := pair(t, nil)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errEnough)
		defer cancel()
		require.ErrorIs(t, g.Reshard(ctx, 0), errEnough)
		d.say(t, 0, "a")
		synctest.Wait()
		require.Equal(t, []string{"a"}, got.texts(event.MessageCreate))
		require.Len(t, d.Sessions(), 2)
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
	virtually(t, "because Discord refuses", func(t *testing.T) {
		d, g, got, done := pair(t, nil)
		require.NoError(t, d.InjectNext(gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.InvalidShard}, 1))
		err := g.Reshard(t.Context(), 4)
		require.ErrorContains(t, err, "reshard from 2 to 4: sharding: shards 0 to 3 of 4 stopped")
		d.say(t, 0, "a")
		synctest.Wait()
		require.Equal(t, []string{"a"}, got.texts(event.MessageCreate), "the old shards go on")
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
	virtually(t, "when the group is closed", func(t *testing.T) {
		_, g, _, done := pair(t, nil)
		resharded := make(chan error, 1)
		go func() { resharded <- g.Reshard(t.Context(), 4) }()
		time.Sleep(2 * time.Second)
		require.Equal(t, sharding.ErrResharding, g.Reshard(t.Context(), 8))
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.ErrorIs(t, <-resharded, gatewayshard.ErrClosed)
		require.NoError(t, <-done)
		require.Equal(t, sharding.ErrNotRunning, g.Reshard(t.Context(), 8))
	})
	virtually(t, "for want of session starts", func(t *testing.T) {
		_, g, _, done := pair(t, nil, gatewaytest.WithSessionStarts(5))
		var limit *sharding.SessionLimitError
		require.ErrorAs(t, g.Reshard(t.Context(), 4), &limit)
		require.Equal(t, 4, limit.Needed)
		require.Equal(t, 3, limit.Remaining)
		require.Error(t, g.Reshard(t.Context(), 1<<30))
		require.NoError(t, g.Reshard(t.Context(), 2), "nothing to do")
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
	for _, c := range []sharding.ReshardConfig{{Overlap: -1}, {Hold: -1}} {
		_, err := sharding.Config{Reshard: c}.NewGroup("token")
		require.Error(t, err)
	}
}

func TestReshardBecauseDiscordSaysSo(t *testing.T) {
	const shardingRequired = closecode.ShardingRequired
	synctest.Test(t, func(t *testing.T) {
		d, g, got, done := pair(t, func(c *sharding.Config) { c.Reshard.Automatic = true })
		for _, s := range d.Sessions() {
			require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: shardingRequired}, s.ID))
		}
		_, err := d.WaitSessions(t.Context(), 4)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		for guild := range 4 {
			d.say(t, guild, fmt.Sprint(guild))
		}
		synctest.Wait()
		require.ElementsMatch(t, []string{"0", "1", "2", "3"}, got.texts(event.MessageCreate))
		require.Equal(t, "sharding: shards 0 to 3 of 4", g.String())
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
	virtually(t, "in vain", func(t *testing.T) {
		d, _, _, done := pair(t, func(c *sharding.Config) { c.Reshard.Automatic = true }, gatewaytest.WithShards(2))
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: shardingRequired}, d.Sessions()[0].ID))
		err := <-done
		require.ErrorContains(t, err, "discord recommends no more than 2 shards")
		var fatal *gatewayshard.FatalError
		require.ErrorAs(t, err, &fatal)
	})
	virtually(t, "without session starts", func(t *testing.T) {
		d, _, _, done := pair(t, func(c *sharding.Config) { c.Reshard.Automatic = true }, gatewaytest.WithSessionStarts(4))
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: shardingRequired}, d.Sessions()[0].ID))
		var limit *sharding.SessionLimitError
		require.ErrorAs(t, <-done, &limit)
	})
}

// TestReshardIsAskedForMeanwhile has Discord refuse an old shard for want of
// others while a reshard is under way that does not succeed.
func TestReshardIsAskedForMeanwhile(t *testing.T) {
	for _, automatic := range []bool{true, false} {
		virtually(t, fmt.Sprint("automatic ", automatic), func(t *testing.T) {
			d, g, got, done := pair(t, func(c *sharding.Config) { c.Reshard.Automatic = automatic })
			ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errEnough)
			defer cancel()
			failed := make(chan error, 1)
			go func() { failed <- g.Reshard(ctx, 8) }()
			time.Sleep(time.Second)
			for _, s := range d.Sessions()[:1] {
				require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.ShardingRequired}, s.ID))
			}
			if !automatic {
				var fatal *gatewayshard.FatalError
				require.ErrorAs(t, <-done, &fatal)
				require.Error(t, <-failed)
				return
			}
			require.ErrorIs(t, <-failed, errEnough)
			time.Sleep(time.Minute)
			require.Equal(t, "sharding: shards 0 to 3 of 4", g.String(), "the group reshards after all")
			for guild := range 4 {
				d.say(t, guild, fmt.Sprint(guild))
			}
			synctest.Wait()
			require.ElementsMatch(t, []string{"0", "1", "2", "3"}, got.texts(event.MessageCreate))
			require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
			require.NoError(t, <-done)
		})
	}
}

// TestReshardedShardIsRefusedAtTheLastMoment has Discord refuse a new shard
// while the handlers of the old ones come to their end.
func TestReshardedShardIsRefusedAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		d, g, _, done := pair(t, func(c *sharding.Config) {
			handle := c.Handler
			c.Handler = func(ctx context.Context, e sharding.Event) error {
				if e.Name == event.MessageCreate && e.Total == 2 {
					<-slow
				}
				return handle(ctx, e)
			}
		})
		resharded := make(chan error, 1)
		go func() { resharded <- g.Reshard(t.Context(), 4) }()
		_, err := d.WaitSessions(t.Context(), 6)
		require.NoError(t, err)
		d.say(t, 0, "a")
		time.Sleep(time.Minute) // the old shards are closed, one handler still runs
		for _, s := range d.Sessions() {
			if s.ShardID == 3 && s.ShardCount == 4 {
				require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.DisallowedIntents}, s.ID))
			}
		}
		time.Sleep(time.Second)
		close(slow)
		var fatal *gatewayshard.FatalError
		require.ErrorAs(t, <-done, &fatal, "the group does not go on without the shard")
		require.ErrorIs(t, <-resharded, gatewayshard.ErrHandlerRuns, "it does not wait for handlers without end")
	})
}

func TestReshardIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, part, _, done := pair(t, func(c *sharding.Config) { c.Count = 2 })
		require.Equal(t, sharding.ErrPartialGroup, part.Reshard(t.Context(), 4))
		require.NoError(t, part.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		c := d.config()
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		g.On(event.Ready, func(ctx context.Context, _ sharding.Event) error {
			require.Equal(t, gatewayshard.ErrInHandler, g.Reshard(ctx, 2))
			return g.Close(ctx, gatewayshard.EndSession)
		})
		require.NoError(t, g.Run(t.Context()))
	})
}

// TestReshardIsStored ends a process after a reshard: the next one resumes the new shards.
func TestReshardIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(sharding.MemoryStore)
		d, g, _, done := pair(t, func(c *sharding.Config) { c.Store, c.StoreKey = store, "key" })
		require.NoError(t, g.Reshard(t.Context(), 4))
		d.say(t, 1, "x")
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
		c, err := store.Load(t.Context(), "key")
		require.NoError(t, err)
		require.Equal(t, uint(4), c.Total)
		require.Len(t, c.Shards, 4)
		for _, s := range c.Shards {
			require.False(t, s.Open)
		}
	})
}
