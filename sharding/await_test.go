package sharding_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
	"github.com/discordpkg/gateway/snowflake"
)

// saying returns a filter for messages.
func saying(content string) sharding.Filter {
	return sharding.Filter{
		Events: []event.Type{event.MessageCreate},
		Match:  func(e sharding.Event) bool { return text(e.Data) == content },
	}
}

// An asker is a handler that asks a question when it is told to.
type asker struct {
	diary
	g      *sharding.Group
	ask    func(ctx context.Context, e sharding.Event) error
	result chan error
}

func (a *asker) handle(ctx context.Context, e sharding.Event) error {
	if e.Name == event.MessageCreate && text(e.Data) == "ask" {
		a.result <- a.ask(ctx, e)
	}
	return a.diary.handle(ctx, e)
}

var words = []string{"ask", "1", "2", "3", "4", "5", "6", "yes", "7", "8"}

// TestAwaitInAGroup has a handler wait for an answer, with every kind of queue.
func TestAwaitInAGroup(t *testing.T) {
	for _, queue := range []int{0, 1, 3, 7, 100} {
		for name, ask := range map[string]func(a *asker, ctx context.Context, e sharding.Event) error{
			"await": func(a *asker, ctx context.Context, e sharding.Event) error {
				got, err := a.g.Await(ctx, saying("yes"))
				if err == nil && (text(got.Data) != "yes" || got.Shard != e.Shard || got.Session != e.Session || got.Seq <= e.Seq) {
					err = fmt.Errorf("got %+v", got)
				}
				return err
			},
			"await with a context of its own, on another goroutine": func(a *asker, _ context.Context, e sharding.Event) error {
				result := make(chan error)
				go func() {
					f := saying("yes")
					f.Shards = []gateway.ShardID{e.Shard}
					_, err := a.g.Await(context.Background(), f)
					result <- err
				}()
				return <-result
			},
			"await one after another": func(a *asker, ctx context.Context, e sharding.Event) error {
				for i := range 3 {
					got, err := a.g.Await(ctx, sharding.Filter{})
					if want := fmt.Sprint(i + 1); err != nil || text(got.Data) != want {
						return fmt.Errorf("got %s (%v), want %s", got.Data, err, want)
					}
				}
				return nil
			},
			"request members": func(a *asker, _ context.Context, e sharding.Event) error {
				return members(a.g, e, 1)
			},
			"request members in the body of a request": func(a *asker, _ context.Context, e sharding.Event) error {
				return members(a.g, e, 2)
			},
		} {
			virtually(t, fmt.Sprintf("%s, queue of %d", name, queue), func(t *testing.T) {
				d := newDiscord(t, gatewaytest.WithGuilds(1, 5))
				a := &asker{result: make(chan error, 1)}
				a.ask = func(ctx context.Context, e sharding.Event) error { return ask(a, ctx, e) }
				c := d.config()
				c.Handler, c.Queue.Size = a.handle, queue
				a.g = started(t, d, c, func(g *sharding.Group) { a.g = g })
				for _, word := range words {
					d.say(t, 0, word)
				}
				require.NoError(t, <-a.result)
				synctest.Wait()
				require.Equal(t, words, a.texts(event.MessageCreate), "each event once, and in order")
			})
		}
	}
}

// members asks for the members of the event's guild, and for each chunk again, to a depth.
func members(g *sharding.Group, e sharding.Event, depth int) error {
	guild, err := gateway.Decode[struct {
		ID string `json:"guild_id"`
	}](e.Data)
	if err != nil || depth == 0 {
		return err
	}
	request := command.GuildMembersRequest{UserIDs: []snowflake.ID{gatewaytest.Bot}}
	if _, err := fmt.Sscan(guild.ID, &request.GuildID); err != nil {
		return err
	}
	chunks := 0
	for _, err := range g.Shard(e.Shard).RequestGuildMembers(context.Background(), request) {
		if err != nil {
			return err
		}
		chunks++
		if err := members(g, e, depth-1); err != nil {
			return err
		}
	}
	if chunks == 0 {
		return fmt.Errorf("no chunk")
	}
	return nil
}

// TestAwaitInTheBodyOfALoop waits for an event and for members where the range loop has one.
func TestAwaitInTheBodyOfALoop(t *testing.T) {
	for _, queue := range []int{0, 2} {
		virtually(t, fmt.Sprint("queue of ", queue), func(t *testing.T) {
			d := newDiscord(t, gatewaytest.WithGuilds(1, 5))
			c := d.config()
			c.Queue.Size = queue
			g, err := c.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			go func() {
				_, _ = d.WaitSessions(context.Background(), 1)
				for _, word := range words {
					d.say(t, 0, word)
				}
			}()
			var got []string
			for e, err := range g.Events(t.Context()) {
				require.NoError(t, err)
				if e.Name != event.MessageCreate {
					continue
				}
				if got = append(got, text(e.Data)); got[len(got)-1] == "ask" {
					answer, err := g.Await(context.Background(), saying("yes"))
					require.NoError(t, err)
					require.Equal(t, "yes", text(answer.Data))
					require.NoError(t, members(g, e, 2))
					require.Equal(t, "ask", text(e.Data))
				}
				if len(got) == len(words) {
					break
				}
			}
			require.Equal(t, words, got)
		})
	}
}

func TestAwaitIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		c := d.config()
		g, err := c.NewGroup("token", gateway.WithGuildEvents(event.MessageCreate))
		require.NoError(t, err)
		_, err = g.Await(t.Context(), sharding.Filter{})
		require.Equal(t, sharding.ErrNotRunning, err)
		done := run(context.Background(), g)
		_, err = d.WaitSessions(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		_, err = g.Await(t.Context(), sharding.Filter{Events: []event.Type{event.TypingStart}})
		require.ErrorIs(t, err, gatewayshard.ErrFiltered)
		_, err = g.Await(t.Context(), sharding.Filter{Shards: []gateway.ShardID{7}})
		require.ErrorIs(t, err, sharding.ErrNoShard)
		go func() {
			time.Sleep(time.Minute)
			d.say(t, 0, "x")
		}()
		got, err := g.Await(t.Context(), sharding.Filter{Events: []event.Type{event.MessageCreate}})
		require.NoError(t, err, "without a handler for it, but wanted by the options")
		require.Equal(t, "x", text(got.Data))
		waiting := make(chan error, 1)
		go func() { _, err := g.Await(context.Background(), saying("never")); waiting <- err }()
		synctest.Wait()
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
		require.Equal(t, sharding.ErrNotRunning, <-waiting)
		_, err = g.Await(t.Context(), sharding.Filter{})
		require.Equal(t, sharding.ErrNotRunning, err)
	})
}

// TestAwaitOverAReshard waits while the shards are replaced.
func TestAwaitOverAReshard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g, _, done := pair(t, func(*sharding.Config) {})
		var got atomic.Pointer[sharding.Event]
		go func() {
			e, err := g.Await(context.Background(), saying("late"))
			require.NoError(t, err)
			got.Store(&e)
		}()
		synctest.Wait()
		require.NoError(t, g.Reshard(t.Context(), 4))
		require.Nil(t, got.Load())
		d.say(t, 0, "late")
		synctest.Wait()
		require.NotNil(t, got.Load())
		require.Equal(t, uint(4), got.Load().Total)
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
}

// TestAwaitTooLong fills the buffer behind a full queue.
func TestAwaitTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithGuilds(1, 1))
		a := &asker{result: make(chan error, 1)}
		a.ask = func(ctx context.Context, e sharding.Event) error {
			_, err := a.g.Await(ctx, saying("never"))
			return err
		}
		c := d.config()
		c.Handler, c.Queue.Size = a.handle, 10
		a.g = started(t, d, c, func(g *sharding.Group) { a.g = g })
		const n = 1500
		d.say(t, 0, "ask")
		for i := range n {
			d.say(t, 0, fmt.Sprint(i))
		}
		require.ErrorIs(t, <-a.result, gatewayshard.ErrBufferFull)
		synctest.Wait()
		got := a.texts(event.MessageCreate)
		require.Len(t, got, 1+n)
		for i, word := range got[1:] {
			require.Equal(t, fmt.Sprint(i), word)
		}
	})
}
