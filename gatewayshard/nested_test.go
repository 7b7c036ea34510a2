package gatewayshard

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

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
