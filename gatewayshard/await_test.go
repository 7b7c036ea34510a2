package gatewayshard

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/event"
)

// say sends a MESSAGE_CREATE.
func (p *peer) say(seq int, content string) {
	p.send(`{"op":0,"s":%d,"t":"MESSAGE_CREATE","d":{"content":"%s"}}`, seq, content)
}

// saying returns a filter for the content.
func saying(content string) Filter {
	return Filter{
		Events: []event.Type{event.MessageCreate},
		Match:  func(p *gateway.GatewayPayload) bool { return says(p.Data, content) },
	}
}

func says(data gateway.RawMessage, content string) bool {
	return string(data) == `{"content":"`+content+`"}`
}

// A conversation is a seed 003 handler, which gets no context, that asks a
// question when it is told to, and notes the order of what it sees.
type conversation struct {
	shard *Shard
	ask   func() error
	seen  []string
	err   error
}

func (c *conversation) handle(_ gateway.ShardID, e event.Type, data gateway.RawMessage) {
	if e != event.MessageCreate {
		return
	}
	before := string(data)
	if says(data, "ask") {
		c.err = c.ask()
	}
	if string(data) != before {
		c.err = fmt.Errorf("data changed from %s to %s while the handler ran", before, data)
	}
	c.seen = append(c.seen, strings.TrimSuffix(strings.TrimPrefix(string(data), `{"content":"`), `"}`))
}

// converse plays one conversation: ask, two words of noise, the answer, more noise.
func converse(t *testing.T, c *conversation, options ...gateway.Option) {
	t.Helper()
	n := newNetwork(t)
	c.shard = testShard(t, n, c.handle, options...)
	p, done := active(t, n, c.shard)
	go p.drain()
	for i, word := range []string{"ask", "noise", "noise", "yes", "more"} {
		p.say(2+i, word)
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
	require.NoError(t, c.err)
	require.Equal(t, []string{"ask", "noise", "noise", "yes", "more"}, c.seen)
	require.Equal(t, Active, c.shard.Stats().Phase)
	require.Zero(t, c.shard.waiting)
	p.nc.Close()
	<-done
}

func TestAwaitFromAHandler(t *testing.T) {
	answer := func(c *conversation, ctx context.Context) error {
		got, err := c.shard.Await(ctx, saying("yes"))
		if err == nil && (got.Seq != 5 || !says(got.Data, "yes")) {
			err = fmt.Errorf("got %v", got)
		}
		return err
	}
	for name, ask := range map[string]func(c *conversation) error{
		"directly": func(c *conversation) error { return answer(c, context.Background()) },
		"on another goroutine": func(c *conversation) error {
			result := make(chan error)
			go func() { result <- answer(c, context.Background()) }()
			return <-result
		},
		"twice": func(c *conversation) error {
			if _, err := c.shard.Await(context.Background(), saying("noise")); err != nil {
				return err
			}
			return answer(c, context.Background())
		},
		"with a context that ends": func(c *conversation) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if _, err := c.shard.Await(ctx, saying("never")); err == nil {
				return fmt.Errorf("no error")
			}
			// What came meanwhile has not been handed out, so it is still to come.
			return answer(c, context.Background())
		},
	} {
		bubble(t, name, func(t *testing.T) {
			c := new(conversation)
			c.ask = func() error { return ask(c) }
			converse(t, c)
		})
	}
	bubble(t, "that keeps its data, compressed", func(t *testing.T) {
		c := new(conversation)
		c.ask = func() error { return answer(c, context.Background()) }
		converse(t, c, gateway.WithPayloadCompression(compress.NewPayload))
	})
	bubble(t, "which an event reaches first that another call waited for", func(t *testing.T) {
		c := new(conversation)
		c.ask = func() error { return answer(c, context.Background()) }
		n := newNetwork(t)
		c.shard = testShard(t, n, c.handle)
		p, done := active(t, n, c.shard)
		go p.drain()
		outside := make(chan error, 1)
		go func() { _, err := c.shard.Await(context.Background(), saying("last")); outside <- err }()
		synctest.Wait()
		for i, word := range []string{"ask", "noise", "noise", "yes", "last"} {
			p.say(2+i, word)
		}
		synctest.Wait()
		require.NoError(t, <-outside)
		require.NoError(t, c.err)
		require.Equal(t, []string{"ask", "noise", "noise", "yes", "last"}, c.seen)
		p.nc.Close()
		<-done
	})
}

// TestAwaitWhatWasReadAlready lets a call from outside make the shard read on, so that
// the answer has been read before the handler asks for it.
func TestAwaitWhatWasReadAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(conversation)
		read := make(chan struct{})
		var answers []int64
		c.ask = func() error {
			<-read
			for range 2 {
				got, err := c.shard.Await(context.Background(), saying("yes"))
				if err != nil {
					return err
				}
				answers = append(answers, got.Seq)
			}
			return nil
		}
		n := newNetwork(t)
		c.shard = testShard(t, n, c.handle)
		p, done := active(t, n, c.shard)
		go p.drain()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = c.shard.Await(ctx, saying("never")) }()
		synctest.Wait()
		for i, word := range []string{"ask", "noise", "yes", "noise", "yes"} {
			p.say(2+i, word)
		}
		synctest.Wait()
		require.Equal(t, 4, c.shard.Stats().Held)
		session, _ := c.shard.Session()
		require.Equal(t, int64(2), session.Seq, "what waits for the handler is not dealt with")
		close(read)
		synctest.Wait()
		require.NoError(t, c.err)
		require.Equal(t, []int64{4, 6}, answers, "the same event is not returned twice")
		require.Equal(t, []string{"ask", "noise", "yes", "noise", "yes"}, c.seen)
		cancel()
		p.nc.Close()
		<-done
	})
}

func TestAwaitWithoutAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go p.drain()
		results := make(chan *gateway.GatewayPayload, 2)
		for _, f := range []Filter{saying("yes"), {}} {
			go func() {
				got, err := s.Await(t.Context(), f)
				require.NoError(t, err)
				results <- got
			}()
		}
		synctest.Wait()
		p.say(2, "no")
		synctest.Wait()
		p.say(3, "yes")
		synctest.Wait()
		require.Len(t, results, 2)
		require.Equal(t, int64(2), (<-results).Seq, "the filter without events takes the next one")
		require.Equal(t, int64(3), (<-results).Seq)
		p.nc.Close()
		<-done
	})
}

func TestAwaitWhatIsNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var got []string
		s := testShard(t, n, record(&got), gateway.WithGuildEvents(event.MessageCreate, event.TypingStart))
		for _, e := range []event.Type{event.GuildCreate, event.GuildMembersChunk} {
			_, err := s.Await(t.Context(), Filter{Events: []event.Type{e}})
			require.ErrorIs(t, err, ErrFiltered)
		}
		set := event.NewSet(event.MessageCreate)
		s.Want(&set)
		p, done := active(t, n, s)
		go p.drain()
		go func() {
			e, err := s.Await(t.Context(), Filter{Events: []event.Type{event.TypingStart}})
			require.NoError(t, err, "the options let it through")
			require.JSONEq(t, `{"a":1}`, string(e.Data))
		}()
		synctest.Wait()
		p.send(`{"op":0,"s":2,"t":"TYPING_START","d":{"a":1}}`)
		p.say(3, "x")
		synctest.Wait()
		require.Len(t, got, 2, "the handler did not want it: %v", got)
		s.Want(nil)
		p.send(`{"op":0,"s":4,"t":"TYPING_START","d":{}}`)
		synctest.Wait()
		require.Len(t, got, 3)
		p.nc.Close()
		<-done
	})
}

func TestAwaitEnds(t *testing.T) {
	// stuck runs a handler that awaits what never comes, and returns its error.
	stuck := func(t *testing.T, act func(s *Shard, p *peer)) error {
		c := new(conversation)
		n := newNetwork(t)
		result := make(chan error, 1)
		c.ask = func() error {
			_, err := c.shard.Await(context.Background(), saying("never"))
			result <- err
			return nil
		}
		c.shard = testShard(t, n, c.handle)
		p, done := active(t, n, c.shard)
		p.say(2, "ask")
		p.say(3, "x")
		synctest.Wait()
		require.Empty(t, result)
		go p.drain()
		act(c.shard, p)
		err := <-result
		require.Error(t, <-done)
		require.Equal(t, []string{"ask", "x"}, c.seen, "what was read is delivered")
		session, _ := c.shard.Session()
		require.Equal(t, int64(3), session.Seq)
		return err
	}
	bubble(t, "with the connection", func(t *testing.T) {
		require.ErrorIs(t, stuck(t, func(_ *Shard, p *peer) { p.nc.Close() }), net.ErrClosed)
	})
	bubble(t, "with a heartbeat that is not answered", func(t *testing.T) {
		err := stuck(t, func(*Shard, *peer) {})
		require.ErrorIs(t, err, gateway.ErrZombie, "the shard reads, so silence means something")
	})
	bubble(t, "with Close", func(t *testing.T) {
		start := time.Now()
		require.ErrorIs(t, stuck(t, func(s *Shard, _ *peer) { require.NoError(t, s.Close(context.Background(), KeepSession)) }), ErrClosed)
		require.Zero(t, time.Since(start))
	})
	bubble(t, "at once when the shard is closed, or the context over", func(t *testing.T) {
		s := testShard(t, newNetwork(t), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Await(ctx, Filter{})
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, s.Close(t.Context(), KeepSession))
		_, err = s.Await(t.Context(), Filter{})
		require.Equal(t, ErrClosed, err)
	})
	bubble(t, "with a panic of the filter, which is the caller's error", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go p.drain()
		go p.say(2, "x")
		_, err := s.Await(t.Context(), Filter{Match: func(*gateway.GatewayPayload) bool { panic("oh") }})
		var broken *PanicError
		require.ErrorAs(t, err, &broken)
		require.Equal(t, "oh", broken.Value)
		p.nc.Close()
		<-done
	})
	bubble(t, "not with a connection on which no handler runs", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		p := <-n.peers
		p.serve()
		result := make(chan error, 1)
		go func() { _, err := s.Await(ctx, saying("yes")); result <- err }()
		synctest.Wait()
		p.nc.Close()
		p = <-n.peers
		p.hello(time.Minute)
		p.expect(6)
		p.send(`{"op":0,"s":2,"t":"RESUMED","d":{}}`)
		p.say(3, "yes")
		require.NoError(t, <-result)
		go p.drain()
		cancel()
		<-ended
	})
}
