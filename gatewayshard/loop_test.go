package gatewayshard

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/opcode"
)

const testURL = "ws://gateway.test/?v=10&encoding=json"

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in virtual time.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// record returns a handler that appends the names and data of events.
func record(to *[]string) gateway.Handler {
	return func(_ gateway.ShardID, e event.Type, data gateway.RawMessage) {
		*to = append(*to, string(e)+string(data))
	}
}

func TestEvents(t *testing.T) {
	bubble(t, "arrive in order until a close code", func(t *testing.T) {
		n := newNetwork(t)
		var got []string
		s := testShard(t, n, record(&got))
		p, done := active(t, n, s)
		p.event(2)
		p.event(3)
		p.closeWith(4000)
		require.Equal(t, 1012, p.read().Close, "a close frame is answered, and the session kept")
		var de *gateway.DiscordError
		require.ErrorAs(t, <-done, &de)
		require.Equal(t, closecode.UnknownError, de.CloseCode)
		require.Equal(t, "reason", de.Reason)
		require.Equal(t, []string{`MESSAGE_CREATE{"id":"2"}`, `MESSAGE_CREATE{"id":"3"}`}, got[1:])
		stats := s.Stats()
		require.Equal(t, uint64(3), stats.Events)
		require.Equal(t, uint64(4), stats.Messages)
		require.Equal(t, closecode.UnknownError, stats.LastClose)
		require.NotZero(t, stats.BytesIn)
		require.NotZero(t, stats.BytesOut)
	})
	bubble(t, "arrive when they come byte by byte and in fragments", func(t *testing.T) {
		n := newNetwork(t)
		var got []string
		s := testShard(t, n, record(&got))
		p, done := active(t, n, s)
		text := `{"op":0,"s":2,"t":"X","d":{"a":[1,2]}}`
		var stream []byte
		for i := range len(text) {
			f := frame.AppendServer(nil, ws.OpContinuation, []byte(text[i:i+1]))
			if i == 0 {
				f[0] = byte(ws.OpText)
			} else if i < len(text)-1 {
				f[0] = byte(ws.OpContinuation)
			}
			stream = append(stream, f...)
			if i%8 == 0 {
				stream = frame.AppendServer(stream, ws.OpPong, []byte("unasked"))
			}
		}
		for i := range stream {
			p.raw(stream[i : i+1])
		}
		p.closeWith(4000)
		p.drain()
		require.Error(t, <-done)
		require.Equal(t, `X{"a":[1,2]}`, got[1])
	})
	bubble(t, "come right behind the handshake", func(t *testing.T) {
		n := newNetwork(t)
		n.lead = frame.AppendServer(nil, ws.OpText, []byte(`{"op":10,"d":{"heartbeat_interval":41250}}`))
		s := testShard(t, n, nil)
		p, done := running(t, n, s)
		require.Equal(t, 2, p.read().Op, "identify answers the hello that came early")
		require.NoError(t, p.nc.Close())
		require.ErrorIs(t, <-done, net.ErrClosed)
	})
	bubble(t, "go to the payload handler with their sequence number", func(t *testing.T) {
		n := newNetwork(t)
		var seqs []int64
		s := configured(t, n, Config{PayloadHandler: func(id gateway.ShardID, p *gateway.GatewayPayload) {
			seqs = append(seqs, p.Seq)
		}}, nil)
		p, done := active(t, n, s)
		p.event(2)
		p.nc.Close()
		require.Error(t, <-done)
		require.Equal(t, []int64{1, 2}, seqs)
	})
}

func TestHeartbeats(t *testing.T) {
	bubble(t, "unanswered in silence end the connection and keep the session", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		start := time.Now()
		p, done := active(t, n, s)
		var beats []time.Duration
		for m := p.read(); m.Op == 1; m = p.read() {
			if beats = append(beats, time.Since(start)); len(beats) < 3 {
				p.send(`{"op":11}`)
			}
		}
		err := <-done
		require.ErrorIs(t, err, gateway.ErrZombie)
		require.Equal(t, 20625*time.Millisecond+3*41250*time.Millisecond, time.Since(start), "beats %v", beats)
		session, ok := s.Session()
		require.True(t, ok)
		require.Equal(t, gateway.Session{ID: "abc", ResumeURL: "ws://resume.test", Seq: 1}, session)
		require.Zero(t, s.Stats().LastClose, "nobody but us closed")
	})
	bubble(t, "go on while a handler is busy, and the connection is no zombie", func(t *testing.T) {
		n := newNetwork(t)
		busy := make(chan struct{})
		s := testShard(t, n, func(_ gateway.ShardID, e event.Type, _ gateway.RawMessage) {
			if e == event.MessageCreate {
				<-busy
			}
		})
		p, done := active(t, n, s)
		p.event(2)
		var acks []byte
		for range 10 {
			require.Equal(t, 1, p.read().Op)
			acks = frame.AppendServer(acks, ws.OpText, []byte(`{"op":11}`))
		}
		// The handler returns just before the next beat: what waited in the
		// network meanwhile must count.
		time.Sleep(41250*time.Millisecond - time.Nanosecond)
		close(busy)
		require.Equal(t, 1, p.read().Op)
		p.raw(acks)
		require.Equal(t, 1, p.read().Op)
		synctest.Wait()
		require.Equal(t, Active, s.Stats().Phase)
		p.nc.Close()
		require.ErrorIs(t, <-done, net.ErrClosed)
	})
	bubble(t, "need no answer while a large message arrives slowly", func(t *testing.T) {
		n := newNetwork(t)
		var got []string
		s := testShard(t, n, record(&got))
		p, done := active(t, n, s)
		go p.drain()
		message := frame.AppendServer(nil, ws.OpText, []byte(`{"op":0,"s":2,"t":"GUILD_CREATE","d":{"x":"`+strings.Repeat("x", 100)+`"}}`))
		for i := range message {
			p.raw(message[i : i+1])
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		require.Len(t, got, 2)
		p.nc.Close()
		require.ErrorIs(t, <-done, net.ErrClosed)
	})
	bubble(t, "requested by Discord are sent at once", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		p.send(`{"op":1}`)
		require.Equal(t, "1", string(p.read().Data))
		p.nc.Close()
		<-done
	})
	bubble(t, "measure the latency", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		require.Equal(t, 1, p.read().Op)
		time.Sleep(70 * time.Millisecond)
		p.send(`{"op":11}`)
		synctest.Wait()
		require.Equal(t, 70*time.Millisecond, s.Latency())
		require.Equal(t, 70*time.Millisecond, s.Stats().Latency)
		p.nc.Close()
		<-done
	})
}

func TestEnds(t *testing.T) {
	const anySession, sameSession, noSession = 0, 1, 2
	cases := []struct {
		name    string
		act     func(p *peer)
		check   func(t *testing.T, err error)
		code    int // we close with
		session int
	}{
		{"op 7", func(p *peer) { p.send(`{"op":7,"d":null}`) }, discord(opcode.Reconnect, 0), 1012, sameSession},
		{"op 9, resumable", func(p *peer) { p.send(`{"op":9,"d":true}`) }, discord(opcode.InvalidSession, 0), 1012, sameSession},
		{"op 9", func(p *peer) { p.send(`{"op":9,"d":false}`) }, discord(opcode.InvalidSession, 0), 1000, noSession},
		{"a gap", func(p *peer) { p.event(5) }, is(gateway.ErrSequenceNumberSkipped), 1012, sameSession},
		{"garbage", func(p *peer) { p.send(`{"op":`) }, is(gateway.ErrMalformed), 1012, sameSession},
		{"a masked frame", func(p *peer) { p.raw(frame.AppendClient(nil, ws.OpText, []byte("x"))) }, is(gateway.ErrMalformed), 1002, sameSession},
		{"a giant message", func(p *peer) { p.raw([]byte{0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0}) }, is(gateway.ErrMalformed), 1009, sameSession},
		{"a cut", func(p *peer) { p.nc.Close() }, is(net.ErrClosed), 0, sameSession},
		{"a cut inside a frame", func(p *peer) { p.raw([]byte{0x81, 5, '{'}); p.nc.Close() }, is(io.ErrUnexpectedEOF), 0, sameSession},
		{"no code", func(p *peer) { p.frame(ws.OpClose, "") }, discord(0, closecode.NoStatus), 1012, sameSession},
	}
	for _, code := range closecode.All() {
		session, answer := noSession, 1000
		if code.Decision() == closecode.Resume {
			session, answer = sameSession, 1012
		}
		cases = append(cases, cases[0])
		c := &cases[len(cases)-1]
		c.name, c.code, c.session = code.String(), answer, session
		c.act = func(p *peer) { p.closeWith(int(code)) }
		c.check = discord(0, code)
	}
	for _, c := range cases {
		bubble(t, c.name, func(t *testing.T) {
			n := newNetwork(t)
			s := testShard(t, n, nil)
			p, done := active(t, n, s)
			go c.act(p)
			if c.code != 0 {
				require.Equal(t, c.code, p.read().Close)
			}
			c.check(t, <-done)
			_, ok := s.Session()
			require.Equal(t, c.session == sameSession, ok)
			require.Equal(t, Disconnected, s.Stats().Phase)
			require.Error(t, s.Stats().LastError)
			p.nc.Close()
		})
	}
}

func is(target error) func(*testing.T, error) {
	return func(t *testing.T, err error) { require.ErrorIs(t, err, target) }
}

func discord(op opcode.Type, code closecode.Type) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		var de *gateway.DiscordError
		require.ErrorAs(t, err, &de)
		require.Equal(t, op, de.OpCode)
		require.Equal(t, code, de.CloseCode)
	}
}

func TestPings(t *testing.T) {
	bubble(t, "are answered", func(t *testing.T) {
		n := newNetwork(t)
		p, done := active(t, n, testShard(t, n, nil))
		p.frame(ws.OpPing, "are you there")
		require.Equal(t, "are you there", p.read().Pong)
		p.nc.Close()
		<-done
	})
	bubble(t, "pile up neither in memory nor for ever", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		require.Equal(t, 1, p.read().Op, "wait for a beat, so that the timer writes the next one")
		go func() {
			flood := []byte{}
			for range 1000 {
				flood = frame.AppendServer(flood, ws.OpPing, make([]byte, 125))
			}
			for range 50 {
				p.raw(flood)
			}
		}()
		err := <-done
		require.ErrorIs(t, err, net.ErrClosed)
		p.nc.Close()
	})
}

func TestContext(t *testing.T) {
	bubble(t, "ends the loop and keeps the session", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		_, err := s.Dial(t.Context(), "")
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.EventLoop(ctx) }()
		p := <-n.peers
		p.serve()
		synctest.Wait()
		enough := errors.New("enough")
		cancel(enough)
		require.Equal(t, 1012, p.read().Close)
		require.ErrorIs(t, <-done, enough)
		_, ok := s.Session()
		require.True(t, ok)
	})
	bubble(t, "that has ended already ends the loop too", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		_, err := s.Dial(t.Context(), "")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		go func() { (<-n.peers).drain() }()
		require.ErrorIs(t, s.EventLoop(ctx), context.Canceled)
	})
}

func TestEventLoopMisuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		require.Equal(t, ErrNotConnected, s.EventLoop(t.Context()))
		p, done := active(t, n, s)
		require.Equal(t, ErrConnected, s.EventLoop(t.Context()))
		require.Equal(t, ErrConnected, s.PrepareForReconnect())
		_, err := s.Dial(t.Context(), "")
		require.Equal(t, ErrConnected, err)
		p.nc.Close()
		require.ErrorIs(t, <-done, net.ErrClosed)
		require.Equal(t, ErrNotConnected, s.EventLoop(t.Context()))
	})
}

func TestTokenStaysSecret(t *testing.T) {
	s, err := NewShard(3, "SECRET", nil, gateway.WithShardCount(4))
	require.NoError(t, err)
	require.Contains(t, s.String(), "shard 3/4")
	require.False(t, strings.Contains(s.String()+s.GoString(), "SECRET"))
}
