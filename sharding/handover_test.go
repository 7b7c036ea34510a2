package sharding

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// A swap is a handover from one shard to two, whose handler writes down what it gets.
type swap struct {
	*changeover
	old *member
	new [2]*member
	seq int64
	got []string
}

func newSwap(t *testing.T, hold int) *swap {
	c := &swap{}
	g, err := NewGroup("token", nil)
	require.NoError(t, err)
	for _, name := range event.All() {
		g.On(name, func(_ context.Context, e Event) error {
			c.got = append(c.got, fmt.Sprintf("%s %s/%d", e.Data, e.Name, e.Total))
			return nil
		})
	}
	g.identify = testQueue(1)
	before, err := g.newGeneration(0, plan{total: 1, count: 1})
	require.NoError(t, err)
	after, err := g.newGeneration(1, plan{total: 2, count: 2})
	require.NoError(t, err)
	before.handlerCtx, after.handlerCtx = t.Context(), t.Context()
	c.changeover, err = newChangeover(before, after, ReshardConfig{Overlap: 10 * time.Second, Hold: hold})
	require.NoError(t, err)
	g.changeover.Store(c.changeover)
	c.old, c.new = before.all()[0], [2]*member(after.all())
	return c
}

// sizes returns what the matcher keeps.
func (c *swap) sizes() [2]int {
	held, delivered := c.matcher.Size()
	return [2]int{held, delivered}
}

// give lets a shard receive an event.
func (c *swap) give(m *member, name event.Type, data string) {
	c.seq++
	m.receive(m.id, &gateway.GatewayPayload{EventName: name, Data: []byte(data), Seq: c.seq})
}

// both lets both generations receive an event.
func (c *swap) both(m *member, data string, oldFirst bool) {
	order := []*member{m, c.old}
	if oldFirst {
		order = []*member{c.old, m}
	}
	for _, m := range order {
		c.give(m, event.MessageCreate, data)
	}
}

func inBubble(t *testing.T, hold int, f func(t *testing.T, c *swap)) {
	synctest.Test(t, func(t *testing.T) { f(t, newSwap(t, hold)) })
}

func TestHandoverDeliversOnce(t *testing.T) {
	inBubble(t, 100, func(t *testing.T, c *swap) {
		c.both(c.new[0], "1", true)
		c.both(c.new[1], "2", false)
		require.Equal(t, []string{"1 MESSAGE_CREATE/1", "2 MESSAGE_CREATE/1"}, c.got)
		require.Equal(t, [2]int{0, 0}, c.sizes(), "nothing is kept of what both have received")

		c.got = nil
		for range 3 { // equal events are as many as they are
			c.give(c.new[0], event.MessageCreate, "same")
		}
		c.give(c.old, event.MessageCreate, "same")
		c.give(c.old, event.MessageCreate, "late")
		c.release()
		require.Equal(t, []string{"same MESSAGE_CREATE/1", "late MESSAGE_CREATE/1", "same MESSAGE_CREATE/2", "same MESSAGE_CREATE/2"}, c.got)
		c.give(c.new[1], event.MessageCreate, "late")
		require.Len(t, c.got, 4, "the new shard was behind")
		c.give(c.new[1], event.MessageCreate, "late")
		require.Len(t, c.got, 5, "it happened again")
		for _, m := range c.new {
			require.True(t, m.progress.Idle(1000), "nothing is held")
		}
	})
}

func TestHandoverForgets(t *testing.T) {
	inBubble(t, 100, func(t *testing.T, c *swap) {
		c.give(c.old, event.MessageCreate, "before the new session")
		c.give(c.old, event.MessageCreate, "twice before")
		c.give(c.old, event.MessageCreate, "twice before")
		time.Sleep(11 * time.Second)
		c.give(c.new[0], event.MessageCreate, "before the new session")
		require.Equal(t, 1, c.sizes()[0], "this is another one")
		c.give(c.old, event.MessageCreate, "x")
		require.Equal(t, 1, c.sizes()[1])
	})
}

func TestHandoverOfWhatEveryShardReceives(t *testing.T) {
	inBubble(t, 100, func(t *testing.T, c *swap) {
		c.give(c.new[0], event.UserUpdate, "a")
		c.give(c.old, event.UserUpdate, "a")
		c.give(c.new[1], event.UserUpdate, "a")
		c.give(c.new[0], event.UserUpdate, "b")
		c.release()
		require.Equal(t, []string{"a USER_UPDATE/1", "b USER_UPDATE/2"}, c.got)
	})
}

func TestHandoverOfTheSessionsBeginning(t *testing.T) {
	inBubble(t, 100, func(t *testing.T, c *swap) {
		const ready = `{"guilds":[{"id":"1"},{"id":"2"}]}`
		c.give(c.old, event.Ready, ready)
		c.give(c.old, event.GuildCreate, `{"id":"1","old":true}`)
		c.got = nil
		c.give(c.new[0], event.Ready, ready)
		c.give(c.new[0], event.GuildCreate, `{"id":"1"}`)
		c.give(c.new[0], event.GuildCreate, `{"id":"3"}`)
		c.give(c.new[0], event.GuildCreate, `[]`)
		c.give(c.new[0], event.GuildCreate, `{"id":"1"}`)
		c.give(c.new[0], event.Resumed, `{}`)
		c.release()
		require.Equal(t, []string{
			ready + ` READY/2`, `{"id":"3"} GUILD_CREATE/2`, `[] GUILD_CREATE/2`, `{"id":"1"} GUILD_CREATE/2`,
		}, c.got)
		c.give(c.new[0], event.Resumed, `{}`)
		c.give(c.new[0], event.GuildCreate, `{"id":"2"}`)
		require.Len(t, c.got, 6, "a guild that was away is news")
	})
}

// TestHandoverTellsWhatTheOldShardsDidNot lets guilds be away during a handover,
// for the old shards had no READY, or an outage.
func TestHandoverTellsWhatTheOldShardsDidNot(t *testing.T) {
	const ready = `{"guilds":[{"id":"1"}]}`
	for name, before := range map[string]func(c *swap){
		"resumed from a former process": func(*swap) {},
		"away since READY":              func(c *swap) { c.give(c.old, event.Ready, ready) },
		"away later": func(c *swap) {
			c.give(c.old, event.Ready, ready)
			c.give(c.old, event.GuildCreate, `{"id":"1"}`)
			c.give(c.old, event.GuildDelete, `{"id":"1","unavailable":true}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 100, func(t *testing.T, c *swap) {
				before(c)
				c.got = nil
				c.give(c.new[0], event.Ready, ready)
				c.release()
				time.Sleep(5 * time.Second)
				c.give(c.new[0], event.GuildCreate, `{"id":"1","name":"back"}`)
				require.Equal(t, []string{ready + " READY/2", `{"id":"1","name":"back"} GUILD_CREATE/2`}, c.got)
			})
		})
	}
}

func TestHandoverHoldsNoMoreThanItMay(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, c *swap) {
		blocked := func(data string) <-chan struct{} {
			done := make(chan struct{})
			go func() {
				defer close(done)
				m := c.new[0]
				m.receive(m.id, &gateway.GatewayPayload{EventName: event.MessageCreate, Data: []byte(data), Seq: 100})
			}()
			synctest.Wait()
			select {
			case <-done:
				t.Error("it is held though there is no room")
			default:
			}
			return done
		}
		c.give(c.new[0], event.MessageCreate, "a")
		c.give(c.new[0], event.MessageCreate, "b")
		third := blocked("c")
		c.give(c.old, event.MessageCreate, "a")
		<-third
		require.Equal(t, 2, c.sizes()[0])
		fourth := blocked("d")
		c.give(c.old, event.MessageCreate, "d")
		c.give(c.old, event.MessageCreate, "b")
		<-fourth
		require.Equal(t, 1, c.sizes()[0], "d needs no place any more")
		c.give(c.new[0], event.MessageCreate, "e")
		fifth := blocked("f")
		c.abort()
		<-fifth
		require.Len(t, c.got, 3, "what is held is the old shard's business")
	})
}

func TestHandoverLeavesOtherGenerationsAlone(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, c *swap) {
		gen, err := c.old.gen.group.newGeneration(7, plan{total: 1, count: 1})
		require.NoError(t, err)
		require.False(t, c.intercept(gen.all()[0], Event{Name: event.MessageCreate}, 0, false))
	})
}
