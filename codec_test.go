package gateway

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
)

// upper is an encoding for tests: fields separated by bars, data in upper case.
type upper struct{}

func (upper) Name() string { return "upper" }

func (upper) Split(msg []byte) (op uint, seq int64, name, data []byte, err error) {
	f := bytes.SplitN(msg, []byte("|"), 4)
	if len(f) != 4 {
		return 0, 0, nil, nil, errors.New("not four fields")
	}
	n, err := strconv.ParseUint(string(f[0]), 10, 32)
	s, _ := strconv.ParseInt(string(f[1]), 10, 64)
	return uint(n), s, f[2], f[3], err
}

func (upper) AppendJSON(dst, data []byte, _ int) ([]byte, error) {
	if bytes.Contains(data, []byte("BAD")) {
		return dst, errors.New("bad data")
	}
	return append(dst, bytes.ToLower(data)...), nil
}

func (upper) AppendWire(dst, json []byte) ([]byte, error) {
	if bytes.Contains(json, []byte("refuse")) {
		return dst, errors.New("cannot")
	}
	return append(dst, bytes.ToUpper(json)...), nil
}

// rot is a compression for tests: it adds one to each byte, a message ends with a dot.
type rot struct{ closed int }

func newRot() *rot { return &rot{} }

// payloadRot is the same for messages one by one.
type payloadRot struct{ rot }

func newPayloadRot() *payloadRot { return &payloadRot{} }

func (*payloadRot) Name() string { return "" }

func rotated(s string) string {
	b := []byte(s + ".")
	for i := range b {
		b[i]++
	}
	return string(b)
}

func (r *rot) Name() string { return "rot-stream" }
func (r *rot) Close() error { r.closed++; return nil }

func (r *rot) Decompress(dst, src []byte, limit int) ([]byte, bool, error) {
	for _, c := range src {
		if c == 0 {
			return dst, false, errors.New("corrupt")
		}
		if len(dst) == limit {
			return dst, false, errors.New("too large")
		}
		dst = append(dst, c-1)
	}
	if n := len(dst) - 1; n >= 0 && dst[n] == '.' {
		return dst[:n], true, nil
	}
	return dst, false, nil
}

type pool struct {
	free [][]byte
	gets int
}

func (p *pool) Get() []byte {
	p.gets++
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	return make([]byte, 0, 512)
}

func (p *pool) Put(b []byte) { p.free = append(p.free, b) }

func TestEncoding(t *testing.T) {
	p := newPeer(t, WithEncoding(upper{}), WithGuildEvents(event.MessageCreate))
	p.mustReceive(`10||| {"HEARTBEAT_INTERVAL":40000}`)
	require.Contains(t, p.wrote(), `{"OP":2,"D":{"TOKEN":`)
	p.mustReceive(`0|1|READY|{"SESSION_ID":"ABC"}`)
	got := p.mustReceive(`0|2|MESSAGE_CREATE|{"A":1}`)
	require.Equal(t, `{"a":1}`, string(got.Data), "handlers see json")
	got = p.mustReceive(`0|3|TYPING_START|BAD`)
	require.Nil(t, got.Data, "data of an unwanted event is not looked at")
	p.mustReceive("11|||")

	require.ErrorContains(t, p.Write(&p.text, 3, []byte(`"refuse"`)), "gateway: encode")
	_, _, err := p.receive(`0|4|MESSAGE_CREATE|BAD`)
	require.ErrorIs(t, err, ErrMalformed)
	require.EqualValues(t, 3, p.SequenceNumber())
	require.Equal(t, 1012, p.closedWith())

	p = activePeerWith(t, upper{})
	_, _, err = p.receive(`nonsense`)
	require.ErrorIs(t, err, ErrMalformed)
}

func activePeerWith(t *testing.T, c Codec) *peer {
	p := newPeer(t, WithEncoding(c))
	p.mustReceive(`10|||{"HEARTBEAT_INTERVAL":40000}`)
	return p
}

func TestCompression(t *testing.T) {
	p := newPeer(t, WithTransportCompression(newRot))
	inflate := p.inflate.(*rot)
	p.mustReceive(rotated(hello))
	require.NotContains(t, p.wrote(), `"compress"`, "that field is for payload compression")

	msg := rotated(ready)
	got, redundant, err := p.receive(msg[:20])
	require.NoError(t, err)
	require.Nil(t, got)
	require.True(t, redundant, "a message may take several websocket messages")
	got = p.mustReceive(msg[20:])
	require.Equal(t, event.Ready, got.EventName)
	p.mustReceive(rotated(dispatch(2, "TYPING_START")))

	_, _, err = p.receive("\x00")
	require.ErrorIs(t, err, ErrMalformed)
	require.Equal(t, 1012, p.closedWith())
	require.Equal(t, 1, inflate.closed, "closed with the connection")
}

func TestMessageLimit(t *testing.T) {
	long := dispatch(2, strings.Repeat("X", 5000))
	p := activePeer(t, WithMessageLimit(4096))
	_, _, err := p.receive(long)
	var tooLarge *MessageTooLargeError
	require.ErrorAs(t, err, &tooLarge)
	require.ErrorIs(t, err, ErrMalformed)
	require.Contains(t, err.Error(), "4096")
	require.Equal(t, 1012, p.closedWith())

	p = activePeer(t, WithMessageLimit(4096))
	_, _, err = p.ProcessMessage([]byte(long), &p.text, &p.close)
	require.ErrorAs(t, err, &tooLarge)

	_, _, err = activePeer(t, WithMessageLimit(4096)).ProcessNextMessage(endless{}, io.Discard, io.Discard)
	require.ErrorAs(t, err, &tooLarge, "memory is bounded")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestLargeMessageDoesNotPinMemory(t *testing.T) {
	p := activePeer(t)
	p.mustReceive(`{"t":"GUILD_CREATE","s":2,"op":0,"d":"` + strings.Repeat("x", 1<<20) + `"}`)
	require.Greater(t, cap(p.buf), 1<<20)
	p.mustReceive(dispatch(3, "TYPING_START"), dispatch(4, "TYPING_START"))
	require.LessOrEqual(t, cap(p.buf), keepBuffer)

	p.mustReceive(`{"t":"GUILD_CREATE","s":5,"op":0,"d":"` + strings.Repeat("x", 1<<20) + `"}`)
	p.Recycle()
	require.Nil(t, p.buf)
	p.mustReceive(dispatch(6, "TYPING_START"))
	p.Recycle()
	require.NotNil(t, p.buf, "a small buffer is kept without a pool")
}

func TestBufferPool(t *testing.T) {
	bp := &pool{}
	p := newPeer(t, WithBufferPool(bp), WithTransportCompression(newRot))
	for _, m := range []string{hello, ready, dispatch(2, "TYPING_START")} {
		p.mustReceive(rotated(m))
		p.Recycle()
		require.Len(t, bp.free, 2, "both buffers are back")
		require.Nil(t, p.buf)
	}
	require.Equal(t, 6, bp.gets)

	msg := rotated(dispatch(3, "TYPING_START"))
	p.mustReceive(msg[:10])
	p.Recycle()
	got := p.mustReceive(msg[10:])
	require.Equal(t, event.TypingStart, got.EventName, "half a message is not given away")
}

func TestRecycleOfEncodedMessages(t *testing.T) {
	p := newPeer(t, WithEncoding(upper{}))
	p.mustReceive(`10|||{"HEARTBEAT_INTERVAL":40000}`, `0|1|READY|{"SESSION_ID":"ABC"}`)
	p.mustReceive(`0|2|GUILD_CREATE|"` + strings.Repeat("X", 1<<20) + `"`)
	p.Recycle()
	require.Zero(t, cap(p.json), "the largest of the buffers")
	require.Nil(t, p.buf)

	bp := &pool{}
	p = newPeer(t, WithEncoding(upper{}), WithBufferPool(bp))
	for _, m := range []string{`10|||{"HEARTBEAT_INTERVAL":40000}`, `0|1|READY|{"SESSION_ID":"ABC"}`, `0|2|TYPING_START|{}`} {
		p.mustReceive(m)
		p.Recycle()
		require.Len(t, bp.free, 2, "both buffers are back")
	}
}
