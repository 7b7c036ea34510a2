package gatewayshard

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
)

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

// TestCallsDoNotOvertake has calls begin to wait at every moment while chunks
// and events arrive: what came first is seen first.
func TestCallsDoNotOvertake(t *testing.T) {
	const n = 200
	network := newNetwork(t)
	s := testShard(t, network, nil)
	p, done := running(t, network, s)
	p.serve()
	for s.Stats().Phase != Active {
		runtime.Gosched()
	}
	nonces := make(chan string)
	go func() {
		nonces <- p.asked()
		p.drain()
	}()
	go func() {
		nonce := <-nonces
		for i := range n {
			p.send(`{"op":0,"s":%d,"t":"GUILD_MEMBERS_CHUNK","d":{"members":[%s{}],"chunk_index":%d,"chunk_count":%d,"nonce":"%s"}}`,
				2+2*i, strings.Repeat("{},", (i+1)%2*5000), i, n, nonce) // every other one takes long to decode
			p.event(3 + 2*i)
		}
	}()
	var others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
			_, _ = s.Await(ctx, Filter{Events: []event.Type{event.MessageCreate}})
			cancel()
		}
	})
	next := 0
	for chunk, err := range s.RequestGuildMembers(t.Context(), command.GuildMembersRequest{GuildID: 7}) {
		require.NoError(t, err)
		require.Equal(t, next, chunk.Index)
		next++
	}
	require.Equal(t, n, next)
	close(stop)
	others.Wait()
	_ = p.nc.Close()
	require.Error(t, <-done)
}
