package gatewayshard

import (
	"bufio"
	"context"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/frame"
)

// A script is a connection in memory: it returns Hello and READY, then a
// number of dispatches of 855 bytes, and then the end.
type script struct {
	net.Conn
	unread []byte
	batch  []byte // dispatches that arrive together
	left   int
	seq    int64
}

const (
	dispatchSize = 855
	batchSize    = 64
	digits       = 9 // of a sequence number
	seqAt        = len(`xxxx{"t":"MESSAGE_CREATE","s":`)
)

func newScript(dispatches int) *script {
	s := &script{left: dispatches, seq: 1}
	s.unread = frame.AppendServer(nil, ws.OpText, []byte(`{"op":10,"d":{"heartbeat_interval":41250}}`))
	s.unread = frame.AppendServer(s.unread, ws.OpText, []byte(`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc"}}`))
	message := `{"t":"MESSAGE_CREATE","s":` + strings.Repeat(" ", digits) + `,"op":0,"d":{"id":"1","content":"`
	message += strings.Repeat("x", dispatchSize-len(message)-3) + `"}}`
	for range batchSize {
		s.batch = frame.AppendServer(s.batch, ws.OpText, []byte(message))
	}
	return s
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.unread) == 0 {
		if s.left == 0 {
			return 0, io.EOF
		}
		s.next()
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

// next numbers the next batch.
func (s *script) next() {
	size := len(s.batch) / batchSize
	n := min(s.left, batchSize)
	var text [20]byte
	for i := range n {
		s.seq++
		number := strconv.AppendInt(text[:0], s.seq, 10)
		end := i*size + seqAt + digits
		copy(s.batch[end-len(number):end], number)
	}
	s.left -= n
	s.unread = s.batch[:n*size]
}

func (s *script) Write(p []byte) (int, error)      { return len(p), nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }
func (s *script) Close() error                     { return nil }

// play runs a shard over a script.
func play(t testing.TB, s *script, handler gateway.Handler) *Shard {
	shard, err := NewShard(0, "token", handler)
	require.NoError(t, err)
	shard.spent = true
	require.NoError(t, shard.grant())
	shard.conn = shard.newConnection(s, nil, false)
	require.ErrorIs(t, shard.EventLoop(context.Background()), io.EOF)
	return shard
}

func TestDispatchDoesNotAllocate(t *testing.T) {
	const warm, measured = 1000, 100_000
	for name, handled := range map[string]bool{"with a handler": true, "without": false} {
		var before, after runtime.MemStats
		var handler gateway.Handler
		s := newScript(warm + measured)
		if handled {
			events := 0
			handler = func(_ gateway.ShardID, e event.Type, data gateway.RawMessage) {
				if events++; events == warm {
					runtime.ReadMemStats(&before)
				}
				if len(data) == 0 {
					t.Error("no data")
				}
			}
		} else {
			runtime.ReadMemStats(&before)
		}
		shard := play(t, s, handler)
		runtime.ReadMemStats(&after)
		require.Equal(t, uint64(warm+measured+1), shard.Stats().Events)
		// Making the shard and the script, and what the runtime does meanwhile,
		// are a few hundred.
		require.Less(t, after.Mallocs-before.Mallocs, uint64(measured/100), name)
	}
}

// The floor: frames are read and thrown away with gobwas/ws.
func BenchmarkFloor(b *testing.B) {
	s := newScript(b.N)
	buffered := bufio.NewReader(s)
	b.ReportAllocs()
	b.SetBytes(dispatchSize)
	for {
		h, err := ws.ReadHeader(buffered)
		if err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, buffered, h.Length); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkShard(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(dispatchSize)
	play(b, newScript(b.N), nil)
}

func BenchmarkShardWithHandler(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(dispatchSize)
	events := 0
	play(b, newScript(b.N), func(gateway.ShardID, event.Type, gateway.RawMessage) { events++ })
	if events != b.N+1 {
		b.Fatal(events)
	}
}
