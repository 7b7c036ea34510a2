package gatewayshard

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
)

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
