package gatewayshard

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// A journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func TestPanicOfAHandler(t *testing.T) {
	bubble(t, "is logged, counted, and not the end", func(t *testing.T) {
		n := newNetwork(t)
		var j journal
		events := 0
		s := configured(t, n, Config{Logger: j.logger()}, func(gateway.ShardID, event.Type, gateway.RawMessage) {
			if events++; events < 3 {
				panic("oh no")
			}
		})
		p, done := active(t, n, s)
		go p.drain()
		p.event(2)
		p.event(3)
		synctest.Wait()
		require.Equal(t, 3, events)
		require.Equal(t, uint64(2), s.Stats().Panics)
		require.Equal(t, Active, s.Stats().Phase)
		require.Contains(t, j.String(), `level=ERROR msg="handler panicked" shard=0 event=READY seq=1 panic="oh no" stack="goroutine `)
		require.Contains(t, j.String(), "handler_test.go")
		p.nc.Close()
		<-done
	})
	bubble(t, "goes to a hook", func(t *testing.T) {
		n := newNetwork(t)
		cause := errors.New("cause")
		var got *PanicError
		c := Config{HandlerPanic: func(id gateway.ShardID, p *gateway.GatewayPayload, err *PanicError) {
			require.Equal(t, event.Ready, p.EventName)
			got = err
		}}
		s := configured(t, n, c, func(gateway.ShardID, event.Type, gateway.RawMessage) { panic(cause) })
		p, done := active(t, n, s)
		require.ErrorIs(t, got, cause)
		require.EqualError(t, got, "gatewayshard: handler panicked: cause")
		require.Contains(t, string(got.Stack), "goroutine")
		p.nc.Close()
		<-done
	})
	bubble(t, "during a wait loses no event", func(t *testing.T) {
		n := newNetwork(t)
		var s *Shard
		var seen []int64
		s = configured(t, n, Config{
			HandlerPanic: func(gateway.ShardID, *gateway.GatewayPayload, *PanicError) {},
			PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) {
				seen = append(seen, p.Seq)
				if p.Seq == 2 {
					_, err := s.Await(context.Background(), Filter{Match: func(p *gateway.GatewayPayload) bool { return p.Seq == 4 }})
					panic(err)
				}
			}}, nil)
		p, done := active(t, n, s)
		go p.drain()
		for seq := 2; seq < 6; seq++ {
			p.event(seq)
		}
		synctest.Wait()
		require.Equal(t, []int64{1, 2, 3, 4, 5}, seen)
		p.nc.Close()
		<-done
	})
}

// TestGoexitOfAHandler ends the goroutine of the loop while events wait for
// the handler: they come again with the next connection.
func TestGoexitOfAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var s *Shard
		var panics []*PanicError
		var seen []int64
		s = configured(t, n, Config{
			HandlerPanic: func(_ gateway.ShardID, _ *gateway.GatewayPayload, err *PanicError) { panics = append(panics, err) },
			PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) {
				seen = append(seen, p.Seq)
				if p.Seq == 2 && len(panics) == 0 {
					_, err := s.Await(context.Background(), Filter{Match: func(p *gateway.GatewayPayload) bool { return p.Seq == 4 }})
					require.NoError(t, err)
					runtime.Goexit()
				}
			}}, nil)
		p, done := active(t, n, s)
		go p.drain()
		p.event(2)
		p.event(3)
		p.event(4)
		synctest.Wait()
		require.Empty(t, done, "the goroutine is gone")
		require.Len(t, panics, 1)
		require.ErrorIs(t, panics[0], ErrHandlerExit)
		require.Equal(t, Disconnected, s.Stats().Phase)
		require.Equal(t, ErrHandlerExit, s.Stats().LastError)
		session, ok := s.Session()
		require.True(t, ok)
		require.Equal(t, int64(2), session.Seq)
		require.Equal(t, int64(2), s.Progress().Received)

		p, done = running(t, n, s)
		p.hello(time.Minute)
		require.JSONEq(t, `{"token":"token","session_id":"abc","seq":2}`, string(p.expect(6).Data))
		go p.drain()
		p.event(3)
		p.event(4)
		p.send(`{"op":0,"s":5,"t":"RESUMED","d":{}}`)
		synctest.Wait()
		require.Equal(t, []int64{1, 2, 3, 4, 5}, seen)
		session, _ = s.Session()
		require.Equal(t, int64(5), session.Seq)
		p.nc.Close()
		<-done
	})
}

func TestHandlersThatRunLong(t *testing.T) {
	bubble(t, "are logged once, with their event", func(t *testing.T) {
		n := newNetwork(t)
		var j journal
		s := configured(t, n, Config{Logger: j.logger()}, func(_ gateway.ShardID, e event.Type, _ gateway.RawMessage) {
			if e == event.MessageCreate {
				time.Sleep(200 * time.Second)
			}
		})
		p, done := active(t, n, s)
		go p.drain()
		time.Sleep(7 * time.Second)
		p.event(2)
		synctest.Wait()
		time.Sleep(defaultHandlerLimit - time.Nanosecond)
		require.Zero(t, s.Stats().SlowHandlers)
		time.Sleep(2 * time.Nanosecond)
		require.Equal(t, uint64(1), s.Stats().SlowHandlers)
		require.Contains(t, j.String(), `level=WARN msg="handler is still running" shard=0 event=MESSAGE_CREATE seq=2 limit=30s`)
		time.Sleep(100 * time.Second)
		require.Equal(t, uint64(1), s.Stats().SlowHandlers)
		p.nc.Close()
		<-done
	})
	bubble(t, "after the end of the connection", func(t *testing.T) {
		n := newNetwork(t)
		s := configured(t, n, Config{HandlerLimit: time.Minute}, func(gateway.ShardID, event.Type, gateway.RawMessage) { time.Sleep(time.Hour) })
		p, done := running(t, n, s)
		p.serve()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		synctest.Wait()
		go p.drain()
		require.ErrorIs(t, s.Close(ctx, KeepSession), context.DeadlineExceeded)
		time.Sleep(2 * time.Minute)
		require.Equal(t, uint64(1), s.Stats().SlowHandlers)
		<-done
	})
	bubble(t, "are told from a loop that has nothing to do", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, func(gateway.ShardID, event.Type, gateway.RawMessage) {})
		p, done := active(t, n, s)
		go func() {
			for m := p.read(); m.Err == nil; m = p.read() {
				go p.send(`{"op":11}`)
			}
		}()
		time.Sleep(10 * time.Minute)
		require.Zero(t, s.Stats().SlowHandlers)
		p.nc.Close()
		<-done
	})
	_, err := Config{HandlerLimit: -1}.NewShard(0, "token", nil)
	require.ErrorContains(t, err, "handler limit is negative")
}

// TestCloseThatIsCutOff ends the context of Close right after it: the close
// frame goes out first, also when another goroutine is writing.
func TestCloseThatIsCutOff(t *testing.T) {
	for name, within := range map[string]bool{"in a handler": true, "outside": false} {
		bubble(t, name, func(t *testing.T) {
			n := newNetwork(t)
			s := testShard(t, n, nil)
			p, done := active(t, n, s)
			go func() { _ = s.Write(t.Context(), 3, []byte(`{}`)) }() // the pipe has no room for more
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			if within {
				require.NoError(t, s.Close(WithinHandler(ctx), EndSession))
				cancel()
			} else {
				cancel()
				require.ErrorIs(t, s.Close(ctx, EndSession), context.Canceled)
			}
			synctest.Wait()
			require.Equal(t, 3, p.read().Op)
			require.Equal(t, 1000, p.read().Close)
			go p.drain()
			p.closeWith(1000)
			require.Equal(t, ErrClosed, <-done)
		})
	}
}
