package gatewayshard

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
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

// TestNestedRequests makes a request in the body of another one, with and
// without a handler around both.
func TestNestedRequests(t *testing.T) {
	for _, inHandler := range []bool{false, true} {
		bubble(t, fmt.Sprint("in a handler: ", inHandler), func(t *testing.T) {
			n := newNetwork(t)
			c := new(conversation)
			chunks := 0
			c.ask = func() error {
				for _, err := range c.shard.RequestGuildMembers(context.Background(), command.GuildMembersRequest{GuildID: 1}) {
					if err != nil {
						return err
					}
					chunks++
					for _, err := range c.shard.RequestGuildMembers(context.Background(), command.GuildMembersRequest{GuildID: 2}) {
						if err != nil {
							return err
						}
						chunks++
					}
				}
				return nil
			}
			c.shard = testShard(t, n, c.handle)
			p, done := active(t, n, c.shard)
			nonces := make(chan string, 4)
			go func() {
				for range 4 {
					nonces <- p.asked()
				}
				close(nonces)
				p.drain()
			}()
			p.say(2, map[bool]string{true: "ask", false: "x"}[inHandler])
			go func() {
				seq := 2
				for nonce := range nonces {
					for i := range 3 {
						seq += 2
						p.say(seq-1, "noise")
						p.chunk(seq, nonce, i, 3)
					}
				}
			}()
			synctest.Wait()
			if !inHandler {
				require.NoError(t, c.ask())
			}
			synctest.Wait()
			require.NoError(t, c.err)
			require.Equal(t, 3+3*3, chunks)
			require.Len(t, c.seen, 13)
			require.Zero(t, c.shard.conn.ahead.chunks)
			require.Zero(t, c.shard.conn.ahead.bytes)
			p.nc.Close()
			<-done
		})
	}
}

// TestRequestWhileAHandlerWaitsForIt lets a goroutine make the request that the handler waits for.
func TestRequestWhileAHandlerWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		got := make(chan *GuildMembersChunk)
		var s *Shard
		handled := false
		s = testShard(t, n, func(_ gateway.ShardID, e event.Type, _ gateway.RawMessage) {
			if e == event.MessageCreate {
				<-got
				handled = true
			}
		})
		p, done := active(t, n, s)
		go func() {
			nonce := p.asked()
			p.say(2, "x") // the handler begins after the request, and before its answer
			p.chunk(3, nonce, 0, 1)
			p.drain()
		}()
		for chunk, err := range s.RequestGuildMembers(t.Context(), command.GuildMembersRequest{GuildID: 7}) {
			require.NoError(t, err)
			got <- chunk
		}
		synctest.Wait()
		require.True(t, handled)
		p.nc.Close()
		<-done
	})
}

// TestHandlerKeepsItsData reads on over every kind of buffer.
func TestHandlerKeepsItsData(t *testing.T) {
	for name, options := range map[string][]gateway.Option{
		"json": nil,
		"etf":  {gateway.WithEncoding(etf.Codec{})},
		"pool": {gateway.WithBufferPool(new(pool)), gateway.WithPayloadCompression(compress.NewPayload)},
	} {
		bubble(t, name, func(t *testing.T) {
			n := newNetwork(t)
			var s *Shard
			var kept []string
			s = configured(t, n, Config{PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) {
				before, copied := *p, string(p.Data)
				if p.EventName == event.MessageCreate && p.Seq == 2 {
					_, err := s.Await(context.Background(), Filter{Match: func(p *gateway.GatewayPayload) bool { return p.Seq == 50 }})
					require.NoError(t, err)
				}
				require.Equal(t, copied, string(p.Data))
				require.Equal(t, before.Seq, p.Seq)
				require.Equal(t, before.EventName, p.EventName)
				kept = append(kept, copied)
			}}, nil, options...)
			p, done := running(t, n, s)
			go func() { _, _ = io.Copy(io.Discard, p.nc) }()
			wire := func(text string) {
				if name == "etf" {
					b, err := etf.Codec{}.AppendWire(nil, []byte(text))
					require.NoError(t, err)
					p.frame(2, string(b))
					return
				}
				p.frame(1, text)
			}
			wire(`{"op":10,"d":{"heartbeat_interval":41250}}`)
			wire(`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc"}}`)
			for seq := 2; seq <= 50; seq++ {
				wire(fmt.Sprintf(`{"op":0,"s":%d,"t":"MESSAGE_CREATE","d":{"content":"%s"}}`, seq, strings.Repeat(fmt.Sprint(seq%10), seq*20)))
			}
			synctest.Wait()
			require.Len(t, kept, 50)
			for i, data := range kept[1:] {
				require.Len(t, data, len(`{"content":""}`)+(i+2)*20)
			}
			p.nc.Close()
			<-done
		})
	}
}

// A pool hands every buffer out again as soon as it comes back.
type pool struct {
	mu   sync.Mutex
	free [][]byte
}

func (p *pool) Get() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	b := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return b
}

func (p *pool) Put(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(b[:cap(b)])
	p.free = append(p.free, b)
}
