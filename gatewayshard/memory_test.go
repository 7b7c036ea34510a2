package gatewayshard

import (
	"context"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// A quiet connection is a script that goes on in silence.
type quiet struct {
	*script
	closed chan struct{}
	once   sync.Once
}

func (q *quiet) Read(p []byte) (int, error) {
	if n, err := q.script.Read(p); err != io.EOF {
		return n, err
	}
	<-q.closed
	return 0, net.ErrClosed
}

func (q *quiet) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Thousands of shards live in one process: what is idle must be small.
func TestIdleShardIsSmall(t *testing.T) {
	const shards, limit = 200, 24 << 10 // bytes of heap
	connections := make([]*quiet, shards)
	for i := range connections {
		connections[i] = &quiet{script: newScript(0), closed: make(chan struct{})}
		connections[i].batch = nil
	}
	var ready, over sync.WaitGroup
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	all := make([]*Shard, shards)
	ready.Add(shards)
	for i, c := range connections {
		shard, err := NewShard(0, "token", func(_ gateway.ShardID, e event.Type, _ gateway.RawMessage) { ready.Done() })
		require.NoError(t, err)
		shard.spent = true
		require.NoError(t, shard.grant())
		shard.conn = shard.newConnection(c, nil, false)
		all[i] = shard
		over.Go(func() { _ = shard.EventLoop(ctx) })
	}
	ready.Wait()
	each := (heap() - before) / shards
	t.Logf("%d bytes of heap for an idle shard", each)
	require.Less(t, each, int64(limit))
	require.LessOrEqual(t, runtime.NumGoroutine()-goroutines, shards, "one goroutine each")
	cancel()
	over.Wait()
	runtime.KeepAlive(all)
}
