package frame

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// upgraded is an answer that every client takes; $ACCEPT is what the request
// demands.
const upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: $ACCEPT\r\n\r\n"

// A listener is the server's end of a connection: it reads one request and
// answers it.
type listener struct {
	request bytes.Buffer
	answer  io.Reader
	first   []byte // of the answer, filled in
	ready   bool
	read    int // bytes that were taken
	closed  bool
}

func (l *listener) Write(p []byte) (int, error) { return l.request.Write(p) }

func (l *listener) Read(p []byte) (int, error) {
	if !l.ready {
		l.ready = true
		l.fillIn()
	}
	n, err := l.answer.Read(p)
	l.read += n
	return n, err
}

// fillIn puts the accept key into the first 64 KiB of the answer.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
func (l *listener) fillIn() {
	request, err := http.ReadRequest(bufio.NewReader(&l.request))
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	first, _ := io.ReadAll(io.LimitReader(l.answer, 64<<10))
	first = bytes.Replace(first, []byte("$ACCEPT"), []byte(base64.StdEncoding.EncodeToString(sum[:])), 1)
	l.first = first
	l.answer = io.MultiReader(bytes.NewReader(first), l.answer)
}

func (l *listener) Close() error                     { l.closed = true; return nil }
func (l *listener) LocalAddr() net.Addr              { return nil }
func (l *listener) RemoteAddr() net.Addr             { return nil }
func (l *listener) SetDeadline(time.Time) error      { return nil }
func (l *listener) SetReadDeadline(time.Time) error  { return nil }
func (l *listener) SetWriteDeadline(time.Time) error { return nil }

// dialed dials a server that answers so.
func dialed(ctx context.Context, answer io.Reader) (l *listener, conn net.Conn, early []byte, err error) {
	l = &listener{answer: answer}
	dialer := ws.Dialer{NetDial: func(context.Context, string, string) (net.Conn, error) { return l, nil }}
	conn, early, err = Dial(ctx, dialer, "ws://gateway.test/?v=10&encoding=json")
	return l, conn, early, err
}

// A repeated reader repeats a text.
type repeated struct {
	text string
	at   int
}

func (e *repeated) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func TestDial(t *testing.T) {
	hello := string(serverFrame(true, ws.OpText, "hello\n\nand more"))
	_, conn, early, err := dialed(t.Context(), strings.NewReader(upgraded+hello))
	require.NoError(t, err)
	require.Equal(t, hello, string(early), "what came with the 101 is not lost")
	require.IsType(t, &listener{}, conn, "nothing is left around the connection")

	large := strings.Repeat("x", 5*MaxAnswer)
	_, conn, early, err = dialed(t.Context(), strings.NewReader(upgraded+large))
	require.NoError(t, err, "what follows the head does not count")
	rest, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, large, string(early)+string(rest))

	_, _, early, err = dialed(t.Context(), strings.NewReader(upgraded))
	require.NoError(t, err)
	require.Empty(t, early)
}

// Whatever a server answers, no more than the limit is read, and held.
func TestDialReadsBoundedAnswers(t *testing.T) {
	head := strings.TrimSuffix(upgraded, "\r\n")
	for name, c := range map[string]struct {
		start, repeated string
	}{
		"status line without end": {"", "y"},
		"header without end":      {head + "X: ", "y"},
		"headers without end":     {head, "X: y\r\n"},
		"short lines":             {head, "x:\n"},
		"long lines":              {head, "X: " + strings.Repeat("y", 4000) + "\r\n"},
		"no colon":                {head, "y\n\r"},
		"carriage returns":        {head, "\r"},
	} {
		l, conn, _, err := dialed(t.Context(), io.MultiReader(strings.NewReader(c.start), &repeated{text: c.repeated}))
		if name != "no colon" { // the first bad line ends it
			require.ErrorIs(t, err, ErrAnswerTooLarge, name)
		}
		require.Error(t, err, name)
		require.Nil(t, conn, name)
		require.True(t, l.closed, name)
		require.LessOrEqual(t, l.read, MaxAnswer+64<<10, name) // fillIn has read ahead
	}
}

func TestDialOtherAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"wrong accept": strings.Replace(upgraded, "$ACCEPT", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1),
		"no upgrade":   "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"redirect":     "HTTP/1.1 302 Found\r\nLocation: ws://elsewhere.test/\r\n\r\n",
		"empty":        "",
		"garbage":      "\x00\x01\x02\r\n\r\n",
		"http/1.0":     "HTTP/1.0 101 Switching Protocols\r\n\r\n",
		"cut":          upgraded[:40],
	} {
		l, _, _, err := dialed(t.Context(), strings.NewReader(answer))
		require.Error(t, err, name)
		require.NotErrorIs(t, err, ErrAnswerTooLarge, name)
		require.True(t, l.closed, name)
	}
}

// The limits are exact.
func TestHeadLimits(t *testing.T) {
	const status = "HTTP/1.1 200 OK\r\n"
	fill := func(bytes int) string { return status + "X: " + strings.Repeat("y", bytes-len(status)-7) + "\r\n\r\n" }
	lines := func(n int) string { return status + strings.Repeat("X: y\n", n-1) + "\n" }
	for answer, ok := range map[string]bool{
		fill(MaxAnswer): true, fill(MaxAnswer + 1): false,
		lines(MaxAnswerLines): true, lines(MaxAnswerLines + 1): false,
	} {
		response, rest, err := ReadAnswer(strings.NewReader(answer+"body"), nil)
		if !ok {
			require.ErrorIs(t, err, ErrAnswerTooLarge)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode)
		body, err := io.ReadAll(rest)
		require.NoError(t, err)
		require.Equal(t, "body", string(body))
	}
}

// FuzzDial answers a handshake with foreign bytes. A connection comes out only
// after a head within the limits, and everything behind the head comes with it.
func FuzzDial(f *testing.F) {
	f.Add([]byte(upgraded))
	f.Add([]byte(upgraded + "\x81\x05hello"))
	f.Add([]byte(strings.ReplaceAll(upgraded, "\r\n", "\n") + "\n\n"))
	f.Add([]byte("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n\r\nslower"))
	f.Add([]byte("HTTP/1.1 101\r\nUpgrade: websocket\r\n\r\n"))
	f.Add([]byte(strings.Replace(upgraded, "\r\n\r\n", "\r\n"+strings.Repeat("a:\n", 200)+"\n", 1)))
	f.Add([]byte(strings.Replace(upgraded, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate; a=\"\\\r\n\r\n", 1)))
	f.Fuzz(func(t *testing.T, answer []byte) {
		l, conn, early, err := dialed(t.Context(), bytes.NewReader(answer))
		if err != nil {
			if conn != nil || !l.closed {
				t.Fatalf("after %v: connection %v, closed %v", err, conn, l.closed)
			}
			return
		}
		rest, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		behind := append(early, rest...)
		if size := len(l.first) - len(behind); len(answer) <= 64<<10 && (size <= 0 || size > MaxAnswer || !bytes.HasSuffix(l.first, behind)) {
			t.Fatalf("head of %d bytes, then %q", size, behind)
		}
	})
}
