package gatewayshard_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/internal/certificate"
	"github.com/discordpkg/gateway/internal/frame"
)

var everyCut = flag.Bool("cuts", false, "cut after every byte, not after some: make faults")

// A transport is how messages come.
type transport struct {
	options []gateway.Option
	etf     bool
	pack    func() func([]byte) []byte
}

func packer[W interface {
	Compress(dst, src []byte) ([]byte, error)
}](make func() W) func() func([]byte) []byte {
	return func() func([]byte) []byte {
		w := make()
		return func(plain []byte) []byte {
			out, _ := w.Compress(nil, plain)
			return out
		}
	}
}

func transports() map[string]transport {
	none := func() func([]byte) []byte { return func(b []byte) []byte { return b } }
	terms := gateway.WithEncoding(etf.Codec{})
	zlib, zstd := gateway.WithTransportCompression(compress.NewZlibStream), gateway.WithTransportCompression(compress.NewZstdStream)
	return map[string]transport{
		"json":      {nil, false, none},
		"json zlib": {[]gateway.Option{zlib}, false, packer(compress.NewZlibStreamWriter)},
		"json zstd": {[]gateway.Option{zstd}, false, packer(compress.NewZstdStreamWriter)},
		"etf":       {[]gateway.Option{terms}, true, none},
		"etf zlib":  {[]gateway.Option{terms, zlib}, true, packer(compress.NewZlibStreamWriter)},
		"etf zstd":  {[]gateway.Option{terms, zstd}, true, packer(compress.NewZstdStreamWriter)},
	}
}

// A discord serves one shard over pipes. It glues Hello to the answer to the
// handshake, sends every message in fragments, and pings between them.
type discord struct {
	transport
	pair *tls.Certificate // nil: without TLS

	mu     sync.Mutex // guards what follows
	events []string   // of the session
}

func (d *discord) encode(text string) []byte {
	if !d.etf {
		return []byte(text)
	}
	out, _ := etf.Codec{}.AppendWire(nil, []byte(text))
	return out
}

// fragments are the frames of a message.
func fragments(msg []byte) (out []byte) {
	half := len(msg) / 2
	var b bytes.Buffer
	_ = ws.WriteFrame(&b, ws.NewFrame(ws.OpBinary, false, msg[:half]))
	_ = ws.WriteFrame(&b, ws.NewFrame(ws.OpPing, true, []byte("ping")))
	_ = ws.WriteFrame(&b, ws.NewFrame(ws.OpContinuation, true, msg[half:]))
	return b.Bytes()
}

func (d *discord) serve(conn net.Conn) {
	defer conn.Close()
	if d.pair != nil {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*d.pair}})
	}
	pack := d.pack()
	var first bytes.Buffer
	if _, err := ws.Upgrade(struct {
		io.Reader
		io.Writer
	}{conn, &first}); err != nil {
		return
	}
	first.Write(fragments(pack(d.encode(`{"op":10,"d":{"heartbeat_interval":41250}}`))))
	if _, err := conn.Write(first.Bytes()); err != nil {
		return
	}
	frames := frame.NewReader(conn, ws.StateServerSide, 1<<20, nil)
	var writing sync.WaitGroup
	defer writing.Wait()
	defer conn.Close()
	for {
		op, payload, err := frames.Next()
		if err != nil || op == ws.OpClose {
			return
		}
		if op != ws.OpPong {
			replay := d.answer(payload)
			writing.Go(func() {
				for _, text := range replay {
					if _, err := conn.Write(fragments(pack(d.encode(text)))); err != nil {
						return
					}
				}
			})
		}
	}
}

// answer returns the events that follow Identify or Resume.
func (d *discord) answer(payload []byte) []string {
	if d.etf {
		payload, _ = etf.Codec{}.AppendJSON(nil, payload, 1<<20)
	}
	var m struct {
		Op   int `json:"op"`
		Data struct {
			Seq int `json:"seq"`
		} `json:"d"`
	}
	_ = json.Unmarshal(payload, &m)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m.Op {
	case 2:
		d.events = []string{`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc"}}`}
		for i := 2; i <= 6; i++ {
			d.events = append(d.events, fmt.Sprintf(`{"op":0,"s":%d,"t":"MESSAGE_CREATE","d":{"id":"%d","content":"%s"}}`, i, i, strings.Repeat("x", 20)))
		}
		return d.events
	case 6:
		d.events = append(d.events, fmt.Sprintf(`{"op":0,"s":%d,"t":"RESUMED","d":{}}`, len(d.events)+1))
		return d.events[min(m.Data.Seq, len(d.events)):]
	}
	return nil
}

// A cut connection ends after a number of bytes.
type cut struct {
	net.Conn
	in    bool // what is read is counted, else what is written
	reset bool // it ends with a reset, else as if the peer had closed it

	mu   sync.Mutex
	left int
	done bool
}

func (c *cut) take(n int) (allowed int, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= n; c.left <= 0 {
		n, c.done = n+c.left, true
		c.left = 0
	}
	return n, c.done
}

func (c *cut) end() error {
	_ = c.Conn.Close()
	if c.reset {
		return &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	return io.EOF
}

func (c *cut) Read(p []byte) (int, error) {
	c.mu.Lock()
	done, left := c.done, c.left
	c.mu.Unlock()
	if done {
		return 0, c.end()
	}
	if c.in {
		p = p[:min(len(p), left)]
	}
	n, err := c.Conn.Read(p)
	if c.in && err == nil {
		c.take(n)
	}
	c.mu.Lock()
	done = c.done
	c.mu.Unlock()
	if err != nil && done {
		err = c.end()
	}
	return n, err
}

func (c *cut) Write(p []byte) (int, error) {
	if c.in {
		return c.Conn.Write(p)
	}
	n, over := c.take(len(p))
	if _, err := c.Conn.Write(p[:n]); err != nil {
		return 0, err
	}
	if over { // the rest is lost, and then the connection
		_ = c.Conn.Close()
	}
	return len(p), nil
}

// TestCuts cuts a session, and its resume, after a number of bytes. The handler
// sees each event once, in order, and no goroutine is left, which its bubble checks.
func TestCuts(t *testing.T) {
	pair, _, err := certificate.SelfSigned("discord", time.Now(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	total := 0
	for name, transport := range transports() {
		for _, secure := range []bool{false, true} {
			d := &discord{transport: transport}
			if secure {
				d.pair = &pair
			}
			for mode := range 4 {
				series := fmt.Sprintf("%s, TLS %t, in %t, reset %t", name, secure, mode&1 == 0, mode&2 == 0)
				synctest.Test(t, func(t *testing.T) { total += d.series(t, series, mode) })
				runtime.GC() // empties the pool of zstd decoders, whose channels belong to the bubble
				runtime.GC()
			}
		}
	}
	t.Logf("%d cuts, and as many of their resumes", total)
}

// series cuts after ever more bytes, until a session is over before, and returns
// how many cuts there were.
func (d *discord) series(t *testing.T, name string, mode int) (cuts int) {
	step := 97
	if *everyCut {
		step = 1
	}
	for at := 1 + mode; d.session(t, fmt.Sprintf("%s, byte %d", name, at), at, mode&1 == 0, mode&2 == 0); at += step {
		cuts++
	}
	return cuts
}

// session runs a shard whose first two connections are cut after some bytes. It
// reports whether they were.
func (d *discord) session(t *testing.T, name string, at int, in, reset bool) bool {
	var cuts []*cut
	var conns sync.WaitGroup
	dial := func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		conns.Go(func() { d.serve(server) })
		if len(cuts) == 2 {
			return client, nil
		}
		cuts = append(cuts, &cut{Conn: client, in: in, reset: reset, left: at})
		return cuts[len(cuts)-1], nil
	}
	seen, whole := &continuity{t: t}, make(chan struct{})
	config := quick(func(id gateway.ShardID, p *gateway.GatewayPayload) {
		seen.handle(id, p)
		if p.EventName == event.MessageCreate && strings.Contains(string(p.Data), `"id":"6"`) {
			close(whole)
		}
	})
	config.NetDial, config.TLS = dial, &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a pipe
	url := "ws://127.0.0.1/?v=10&encoding=json"
	if d.pair != nil {
		url = strings.Replace(url, "ws:", "wss:", 1)
	}
	shard, err := config.NewShard(0, "token", nil, append(d.options[:len(d.options):len(d.options)], gateway.WithURL(url), unlimited())...)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- shard.Run(ctx) }()
	select {
	case <-whole:
	case <-ctx.Done():
		t.Fatalf("%s: %v", name, shard.Stats().LastError)
	}
	require.NoError(t, shard.Close(ctx, gatewayshard.KeepSession), name)
	<-done
	conns.Wait()
	require.False(t, t.Failed(), name)
	return cuts[0].done
}
