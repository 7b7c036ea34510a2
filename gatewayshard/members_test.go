package gatewayshard

import (
	"context"
	"encoding/json"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

// asked reads the request and returns its nonce.
func (p *peer) asked() string {
	var r command.GuildMembersRequest
	if err := json.Unmarshal(p.expect(8).Data, &r); err != nil {
		p.t.Error(err)
	}
	return r.Nonce
}

func (p *peer) chunk(seq int, nonce string, index, count int) {
	p.send(`{"op":0,"s":%d,"t":"GUILD_MEMBERS_CHUNK","d":{"guild_id":"7","members":[{"nick":"m%d"}],"chunk_index":%d,"chunk_count":%d,"nonce":"%s"}}`,
		seq, index, index, count, nonce)
}

func TestRequestGuildMembers(t *testing.T) {
	request := command.GuildMembersRequest{GuildID: 7}
	collect := func(s *Shard, ctx context.Context) (nicks []string, err error) {
		for chunk, err := range s.RequestGuildMembers(ctx, request) {
			if err != nil {
				return nicks, err
			}
			for _, m := range chunk.Members {
				member, err := gateway.Decode[struct{ Nick string }](m)
				if err != nil {
					return nicks, err
				}
				nicks = append(nicks, member.Nick)
			}
		}
		return nicks, nil
	}
	for name, options := range map[string][]gateway.Option{
		"everything wanted": nil,
		"filtered":          {gateway.WithGuildEvents(event.MessageCreate)},
	} {
		bubble(t, "collects, "+name, func(t *testing.T) {
			n := newNetwork(t)
			var got []string
			s := testShard(t, n, record(&got), options...)
			p, done := active(t, n, s)
			go func() {
				nonce := p.asked()
				p.chunk(2, "other", 0, 1)
				for i := range 3 {
					p.event(3 + 2*i)
					p.chunk(4+2*i, nonce, i, 3)
				}
			}()
			nicks, err := collect(s, t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"m0", "m1", "m2"}, nicks)
			p.nc.Close()
			<-done
			if options == nil {
				require.Len(t, got, 1+4+3)
			} else {
				require.Len(t, got, 1+3, "the handler did not ask for chunks")
			}
		})
	}
	bubble(t, "without a handler, and stops early", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go func() {
			nonce := p.asked()
			for i := range 3 {
				p.chunk(2+i, nonce, i, 3)
			}
			p.event(5)
		}()
		for chunk, err := range s.RequestGuildMembers(t.Context(), request) {
			require.NoError(t, err)
			require.Equal(t, snowflake.ID(7), chunk.GuildID)
			break
		}
		synctest.Wait()
		require.Equal(t, int64(5), s.Stats().Seq)
		p.nc.Close()
		<-done
	})
	bubble(t, "is told of a rate limit", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go func() {
			p.send(`{"op":0,"s":2,"t":"RATE_LIMITED","d":{"opcode":8,"retry_after":2.5,"meta":{"guild_id":"7","nonce":"%s"}}}`, p.asked())
		}()
		_, err := collect(s, t.Context())
		var limit *MembersLimitError
		require.ErrorAs(t, err, &limit)
		require.Equal(t, 2500*time.Millisecond, limit.RetryAfter)
		require.ErrorIs(t, err, gateway.ErrRateLimited)
		require.ErrorContains(t, err, "2.5s")
		p.nc.Close()
		<-done
	})
	for retryAfter, want := range map[string]time.Duration{"1e300": 15 * time.Minute, "-1": 15 * time.Minute, `"30"`: 30 * time.Second, "0": 0} {
		bubble(t, "reads a rate limit of "+retryAfter, func(t *testing.T) {
			n := newNetwork(t)
			s := testShard(t, n, nil)
			p, done := active(t, n, s)
			go func() {
				p.send(`{"op":0,"s":2,"t":"RATE_LIMITED","d":{"opcode":8,"retry_after":%s,"meta":{"guild_id":"7","nonce":"%s"}}}`, retryAfter, p.asked())
			}()
			_, err := collect(s, t.Context())
			var limit *MembersLimitError
			require.ErrorAs(t, err, &limit)
			require.Equal(t, want, limit.RetryAfter)
			p.nc.Close()
			<-done
		})
	}
	bubble(t, "ends with the connection", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go func() {
			p.chunk(2, p.asked(), 0, 2)
			p.nc.Close()
		}()
		nicks, err := collect(s, t.Context())
		require.Equal(t, []string{"m0"}, nicks)
		require.ErrorIs(t, err, net.ErrClosed)
		<-done
		_, err = collect(s, t.Context())
		require.Equal(t, ErrNotConnected, err)
	})
	bubble(t, "ends with the context", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go p.asked()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := collect(s, ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		p.nc.Close()
		<-done
	})
	bubble(t, "refuses wrong requests and a nonce twice", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		for _, err := range s.RequestGuildMembers(t.Context(), command.GuildMembersRequest{}) {
			var invalid *command.InvalidError
			require.ErrorAs(t, err, &invalid)
		}
		r := command.GuildMembersRequest{GuildID: 7, Nonce: "mine"}
		go func() { p.chunk(2, p.asked(), 0, 2) }()
		for _, err := range s.RequestGuildMembers(t.Context(), r) {
			require.NoError(t, err)
			for _, err := range s.RequestGuildMembers(t.Context(), r) {
				require.ErrorContains(t, err, "nonce is in use")
			}
			break
		}
		p.nc.Close()
		<-done
	})
	bubble(t, "slow consumer blocks the loop, not the heartbeat nor Close", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go func() {
			nonce := p.asked()
			p.chunk(2, nonce, 0, 3)
			p.chunk(3, nonce, 1, 3)
			for m := p.read(); m.Op == 1; m = p.read() {
			}
			p.closeWith(1012)
		}()
		for _, err := range s.RequestGuildMembers(t.Context(), request) {
			if err != nil {
				require.Equal(t, ErrClosed, err)
				break
			}
			time.Sleep(10 * time.Minute)
			require.Equal(t, Active, s.Stats().Phase)
			require.NoError(t, s.Close(t.Context(), KeepSession))
		}
		require.Equal(t, ErrClosed, <-done)
	})
}
