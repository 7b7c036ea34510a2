package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/opcode"
)

const inflated = 1 << 20 // more than any message of the mix

var plan = Plan{Seed: 1, Guilds: 1, WarmUp: 20, Events: 100, Heartbeat: 45_000}

// TestWires wants the same messages over every wire, Hello first, then
// dispatches in order, marks where the plan has them, and answers to beats.
func TestWires(t *testing.T) {
	var plain []string
	for _, w := range []struct {
		Wire
		inflater gateway.Decompressor
	}{
		{Wire{"json", ""}, nil},
		{Wire{"json", "payload"}, compress.NewPayload()},
		{Wire{"json", "zlib-stream"}, compress.NewZlibStream()},
		{Wire{"json", "zstd-stream"}, compress.NewZstdStream()},
		{Wire{"etf", ""}, nil},
		{Wire{"etf", "zlib-stream"}, compress.NewZlibStream()},
	} {
		s, err := w.write(plan)
		require.NoError(t, err)
		require.Len(t, s.acks, acks)
		wire := bytes.Join(append([][]byte{s.hello, s.body}, s.acks...), nil)
		got := read(t, wire, w.Wire, w.inflater)
		require.Len(t, got, plan.Frames()+plan.Events+1+acks)
		require.Contains(t, got[0], "10 ", "hello")
		require.Contains(t, got[1], "0 READY")
		require.Contains(t, got[plan.Frames()-1], "0 "+Mark)
		require.Contains(t, got[plan.Frames()+plan.Events], "0 "+Mark)
		require.Contains(t, got[len(got)-1], "11 ")
		if plain == nil {
			plain = got
		}
		require.Equal(t, plain, got, "%v", w.Wire)
	}
}

// payload returns that of the next frame.
func payload(t *testing.T, src io.Reader) []byte {
	t.Helper()
	head, err := ws.ReadHeader(src)
	require.NoError(t, err)
	require.LessOrEqual(t, head.Length, int64(inflated))
	msg := make([]byte, head.Length)
	_, err = io.ReadFull(src, msg)
	require.NoError(t, err)
	return msg
}

// read returns "opcode event data" of each message.
func read(t *testing.T, frames []byte, w Wire, inflater gateway.Decompressor) (all []string) {
	t.Helper()
	seq := int64(0)
	for src := bytes.NewReader(frames); src.Len() > 0; {
		msg := payload(t, src)
		if inflater != nil {
			plain, complete, err := inflater.Decompress(nil, msg, inflated)
			require.NoError(t, err)
			require.True(t, complete)
			msg = plain
		}
		m := message{}
		if w.Encoding == "etf" {
			op, s, name, data, err := discord.Split(msg)
			require.NoError(t, err)
			text, err := discord.AppendJSON(nil, data, 1<<20)
			require.NoError(t, err)
			m = message{opcode.Type(op), s, string(name), text}
		} else {
			require.NoError(t, json.Unmarshal(msg, &m))
		}
		if m.Op == opcode.Dispatch {
			seq++
			require.Equal(t, seq, m.S)
		}
		var d any
		require.NoError(t, json.Unmarshal(m.D, &d))
		canonical, err := json.Marshal(d)
		require.NoError(t, err)
		number, err := json.Marshal(m.Op)
		require.NoError(t, err)
		all = append(all, string(number)+" "+m.T+" "+string(canonical))
	}
	return all
}

type message struct {
	Op opcode.Type
	S  int64
	T  string
	D  json.RawMessage
}

// listen starts a server that ends with the test.
func listen(t *testing.T) Address {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	at, stop, err := NewServer(map[string]Plan{"plan": plan}).Listen(ctx)
	require.NoError(t, err)
	t.Cleanup(func() {
		cancel()
		require.NoError(t, stop())
	})
	return at
}

// TestLife is one connection: identify, everything in the plan, a heartbeat
// and its answer.
func TestLife(t *testing.T) {
	at := listen(t)
	conn, early, _, err := ws.Dial(t.Context(), "ws://"+at.Plain+"/plan?encoding=json")
	require.NoError(t, err)
	defer conn.Close()
	var src io.Reader = conn
	if early != nil {
		src = early
	}
	say := func(text string) { require.NoError(t, wsutil.WriteClientText(conn, []byte(text))) }
	next := func() string { return string(payload(t, src)) }
	require.Contains(t, next(), `"heartbeat_interval":45000`)
	say(`{"op":2,"d":{}}`)
	for range plan.Frames() + plan.Events {
		require.Contains(t, next(), `"op":0`)
	}
	say(`{"op":1,"d":null}`)
	require.Contains(t, next(), `"op":11`)
}

// TestRefusals ends the connections of those who break the rules.
func TestRefusals(t *testing.T) {
	at := listen(t)
	_, _, _, err := ws.Dial(t.Context(), "ws://"+at.Plain+"/nothing")
	require.Error(t, err)
	ended := func(conn net.Conn) {
		_, err := io.Copy(io.Discard, conn)
		_ = err // a reset is an end, too
		require.NoError(t, conn.Close())
	}
	for _, query := range []string{"?encoding=xml", "?encoding=json&compress=best", ""} {
		conn, _, _, err := ws.Dial(t.Context(), "ws://"+at.Plain+"/plan"+query)
		require.NoError(t, err)
		ended(conn)
	}
	for _, text := range []string{`{`, `{"op":2,"d":3}`, string(make([]byte, maxCommand+1))} {
		conn, _, _, err := ws.Dial(t.Context(), "ws://"+at.Plain+"/plan?encoding=json")
		require.NoError(t, err)
		require.NoError(t, wsutil.WriteClientText(conn, []byte(text)))
		ended(conn)
	}
}

// TestGateway gives back the URL that it is asked with.
func TestGateway(t *testing.T) {
	at := listen(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at.Plain+"/gateway?url=ws://here", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"url":"ws://here"}`, string(body))
}
