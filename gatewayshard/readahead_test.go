package gatewayshard

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// TestBufferIsBounded lets a handler wait for what comes behind more than fits.
func TestBufferIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ size, fits int }{
		"by events": {10, maxHeld},
		"by bytes":  {1 << 20, maxHeldBytes >> 20},
	} {
		bubble(t, name, func(t *testing.T) {
			n := newNetwork(t)
			talk := new(conversation)
			var first, second error
			held := 0
			talk.ask = func() error {
				_, first = talk.shard.Await(context.Background(), saying("yes"))
				held = talk.shard.Stats().Held
				_, second = talk.shard.Await(context.Background(), saying("yes"))
				return nil
			}
			talk.shard = testShard(t, n, talk.handle)
			p, done := active(t, n, talk.shard)
			go p.drain()
			p.say(2, "ask")
			noise := strings.Repeat("x", c.size)
			for i := range c.fits + 3 {
				p.say(3+i, noise)
			}
			p.say(6+c.fits, "yes")
			synctest.Wait()
			require.ErrorIs(t, first, ErrBufferFull)
			require.ErrorIs(t, second, ErrBufferFull)
			require.Equal(t, c.fits, held, "the shard reads no further")
			require.Len(t, talk.seen, 1+c.fits+3+1, "nothing is dropped")
			require.Equal(t, "yes", talk.seen[len(talk.seen)-1])
			require.Zero(t, talk.shard.Stats().Held)
			require.Zero(t, talk.shard.conn.ahead.bytes)
			p.nc.Close()
			<-done
		})
	}
}

// TestSlowHandlerMakesRoom asks from outside while a handler is only slow.
func TestSlowHandlerMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var got []string
		s := testShard(t, n, func(_ gateway.ShardID, e event.Type, data gateway.RawMessage) {
			time.Sleep(fullPatience / 2)
			got = append(got, string(data))
		})
		p, done := active(t, n, s)
		go func() {
			nonce := p.asked()
			go p.drain()
			for i := range 2 * maxHeld {
				p.chunk(2+i, nonce, i, 2*maxHeld)
				if i%16 == 0 {
					p.send(`{"op":11}`)
				}
			}
		}()
		count := 0
		for _, err := range s.RequestGuildMembers(t.Context(), command.GuildMembersRequest{GuildID: 7}) {
			require.NoError(t, err)
			count++
			require.LessOrEqual(t, s.Stats().Held, maxHeld)
		}
		require.Equal(t, 2*maxHeld, count)
		p.nc.Close()
		<-done
		require.Len(t, got, 1+2*maxHeld)
	})
}

// TestStorm has handlers, and goroutines beside them, wait for events all the
// time, some of which never come, while others end. Each event reaches the
// handler once and in order.
func TestStorm(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { storm(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func storm(t *testing.T, random *rand.Rand) {
	const events = 1000
	n := newNetwork(t)
	pauses := rand.New(rand.NewPCG(random.Uint64(), 2)) // for the goroutine of the test
	var s *Shard
	var seqs []int64
	answers := 0
	s = configured(t, n, Config{PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) {
		seqs = append(seqs, p.Seq)
		data := string(p.Data)
		if p.EventName != event.MessageCreate || random.IntN(10) > 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(1000))*time.Millisecond)
		defer cancel()
		want := p.Seq + 1 + random.Int64N(100)
		got, err := s.Await(ctx, Filter{Match: func(p *gateway.GatewayPayload) bool { return p.Seq >= want }})
		if err == nil {
			answers++
			require.Equal(t, fmt.Sprintf(`{"id":"%d"}`, got.Seq), string(got.Data))
		}
		require.Equal(t, data, string(p.Data))
	}}, nil)
	p, done := active(t, n, s)
	go p.drain()
	ctx, cancel := context.WithCancel(t.Context())
	var outside sync.WaitGroup
	for i := range 4 {
		outside.Go(func() {
			for ctx.Err() == nil {
				ctx, cancel := context.WithTimeout(ctx, time.Duration(i*37)*time.Millisecond)
				_, _ = s.Await(ctx, Filter{Match: func(p *gateway.GatewayPayload) bool { return p.Seq%int64(i+2) == 0 }})
				cancel()
				time.Sleep(time.Millisecond)
			}
		})
	}
	for seq := 2; seq <= events; seq++ {
		p.event(seq)
		if seq%50 == 0 {
			time.Sleep(time.Duration(pauses.IntN(50)) * time.Millisecond)
		}
	}
	cancel()
	outside.Wait()
	time.Sleep(10 * time.Minute) // of virtual time: the waits of handlers have ended
	synctest.Wait()
	p.nc.Close()
	require.Error(t, <-done)
	require.Len(t, seqs, events)
	for i, seq := range seqs {
		require.EqualValues(t, i+1, seq)
	}
	require.NotZero(t, answers)
	require.Zero(t, s.waiting)
}
