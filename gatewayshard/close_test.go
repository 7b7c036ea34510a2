package gatewayshard

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

func TestCloseWaitsForTheAnswer(t *testing.T) {
	for mode, code := range map[CloseMode]int{KeepSession: 1012, EndSession: 1000} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			s := testShard(t, n, nil)
			p, done := active(t, n, s)
			closed := make(chan error, 1)
			go func() { closed <- s.Close(t.Context(), mode) }()
			require.Equal(t, code, p.read().Close)
			synctest.Wait()
			require.Empty(t, closed, "not answered yet")
			p.event(2) // on its way when we closed
			p.closeWith(code)
			require.NoError(t, <-closed)
			require.Equal(t, ErrClosed, <-done)
			_, err := p.nc.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
			session, ok := s.Session()
			require.Equal(t, mode == KeepSession, ok)
			if ok {
				require.Equal(t, int64(1), session.Seq, "what came after the close frame is to be replayed")
			}
			require.Equal(t, Closed, s.Stats().Phase)
			require.NoError(t, s.Close(t.Context(), EndSession), "again")
			_, err = s.Dial(t.Context(), "")
			require.Equal(t, ErrClosed, err)
			require.Equal(t, ErrClosed, s.EventLoop(t.Context()))
			require.Equal(t, ErrClosed, s.PrepareForReconnect())
			require.Equal(t, ErrClosed, s.Write(t.Context(), 3, nil))
			require.NoError(t, s.Run(t.Context()))
		})
	}
}

func TestCloseInEveryPhase(t *testing.T) {
	bubble(t, "before anything", func(t *testing.T) {
		s := testShard(t, newNetwork(t), nil, gateway.WithSession(gateway.Session{ID: "abc", Seq: 1}))
		require.NoError(t, s.Close(t.Context(), EndSession))
		_, ok := s.Session()
		require.False(t, ok)
	})
	bubble(t, "while dialing", func(t *testing.T) {
		s := testShard(t, newNetwork(t), nil)
		s.config.NetDial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		done := make(chan error, 1)
		go func() { _, err := s.Dial(t.Context(), ""); done <- err }()
		synctest.Wait()
		require.Equal(t, Dialing, s.Stats().Phase)
		require.Equal(t, ErrConnected, s.PrepareForReconnect())
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.Equal(t, ErrClosed, <-done)
	})
	bubble(t, "dialed without a loop", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		_, err := s.Dial(t.Context(), "")
		require.NoError(t, err)
		go func() { (<-n.peers).drain() }()
		require.NoError(t, s.Close(t.Context(), KeepSession))
	})
	for name, prepare := range map[string]func(p *peer){
		"before hello":  func(*peer) {},
		"before ready":  func(p *peer) { p.hello(time.Minute); p.expect(2) },
		"after op 9":    func(p *peer) { p.hello(time.Minute); p.expect(2); p.send(`{"op":9,"d":false}`) },
		"after a death": func(p *peer) { p.nc.Close() },
	} {
		bubble(t, name, func(t *testing.T) {
			n := newNetwork(t)
			s := testShard(t, n, nil)
			p, done := running(t, n, s)
			prepare(p)
			go p.drain()
			require.NoError(t, s.Close(t.Context(), KeepSession))
			require.Error(t, <-done)
		})
	}
	bubble(t, "while Run waits", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		s.config.NetDial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }
		done := make(chan error, 1)
		go func() { done <- s.Run(t.Context()) }()
		synctest.Wait()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
	bubble(t, "while Run reads", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		done := make(chan error, 1)
		go func() { done <- s.Run(t.Context()) }()
		p := <-n.peers
		p.serve()
		go p.drain()
		require.NoError(t, s.Close(t.Context(), EndSession))
		require.NoError(t, <-done)
	})
}

func TestCloseFromSeveralGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go p.drain()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				require.NoError(t, s.Close(t.Context(), CloseMode(i%2)))
				require.Equal(t, Closed, s.Stats().Phase)
			})
		}
		all.Wait()
		require.Equal(t, ErrClosed, <-done)
	})
}

func TestCloseFromTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var s *Shard
		events := 0
		s = testShard(t, n, func(gateway.ShardID, event.Type, gateway.RawMessage) {
			events++
			require.NoError(t, s.Close(WithinHandler(context.Background()), EndSession))
		})
		p, done := running(t, n, s)
		p.serve()
		go p.event(2)
		require.Equal(t, 1000, p.read().Close)
		p.closeWith(1000)
		require.Equal(t, ErrClosed, <-done)
		require.Equal(t, 1, events)
		p.nc.Close()
	})
}

func TestCloseWaitsForTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		release := make(chan struct{})
		s := testShard(t, n, func(gateway.ShardID, event.Type, gateway.RawMessage) { <-release })
		p, done := running(t, n, s)
		p.serve()
		synctest.Wait()
		go p.drain()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Close(ctx, KeepSession), context.DeadlineExceeded, "the handler does not return")
		start := time.Now()
		require.ErrorIs(t, s.Close(context.Background(), KeepSession), ErrHandlerRuns)
		require.Equal(t, 10*time.Second, time.Since(start))
		closed := make(chan error, 1)
		go func() { closed <- s.Close(context.Background(), KeepSession) }()
		synctest.Wait()
		require.Empty(t, closed)
		close(release)
		require.NoError(t, <-closed)
		require.Equal(t, ErrClosed, <-done)
	})
}

func TestClosePatience(t *testing.T) {
	bubble(t, "with a peer that does not answer", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go func() { require.Equal(t, 1000, p.read().Close) }()
		start := time.Now()
		require.NoError(t, s.Close(t.Context(), EndSession))
		require.Equal(t, defaultWriteTimeout, time.Since(start))
		require.Equal(t, ErrClosed, <-done)
	})
	bubble(t, "with a peer that does not answer, and a short context", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go p.read()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Close(ctx, EndSession), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, ErrClosed, <-done)
	})
	bubble(t, "with a peer that does not read", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		p, done := active(t, n, s)
		go func() { _ = s.Write(t.Context(), 3, []byte(`{}`)) }()
		synctest.Wait()
		start := time.Now()
		_ = s.Close(t.Context(), EndSession)
		require.LessOrEqual(t, time.Since(start), defaultWriteTimeout)
		require.Equal(t, ErrClosed, <-done)
		p.nc.Close()
	})
	bubble(t, "with a peer that does not read, and a short context", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		_, done := active(t, n, s)
		go func() { _ = s.Write(t.Context(), 3, []byte(`{}`)) }()
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = s.Close(ctx, EndSession)
		require.LessOrEqual(t, time.Since(start), time.Second)
		require.Equal(t, ErrClosed, <-done)
	})
}
