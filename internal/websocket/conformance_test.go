package websocket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// servers are the websocket servers of this repository, each with a message
// that is malformed, and the code that this earns.
var servers = map[string]func(t *testing.T) (url string){
	"gatewaytest": func(t *testing.T) string {
		srv := gatewaytest.NewServer()
		t.Cleanup(srv.Close)
		return srv.DialURL
	},
	"voiceserver": func(t *testing.T) string {
		srv := voice(t)
		return "ws://" + srv.Endpoint() + "/?v=8"
	},
	"lvsp": func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		secret, err := lvsp.NewSecret(bytes.Repeat([]byte("s"), lvsp.MinSecret))
		require.NoError(t, err)
		_, err = voice(t).ServeLVSP(l, lvsp.WithBackend(lvsp.Backend{Name: "main", Secret: secret}))
		require.NoError(t, err)
		return "ws://" + l.Addr().String()
	},
}

func voice(t *testing.T) *voiceserver.Server {
	srv, err := voiceserver.New()
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

// malformed is no message of any of the protocols. All of them answer it with
// close code 4002.
var malformed = []byte("{ no JSON")

const badMessage = 4002

// A client is one on raw frames.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *frame.Reader
}

// dial connects to a server, and takes its first message.
func dial(t *testing.T, url string) *client {
	t.Helper()
	conn, early, err := frame.Dial(t.Context(), ws.Dialer{Timeout: 30 * time.Second}, url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(60*time.Second)))
	c := &client{t: t, conn: conn, in: frame.NewReader(conn, ws.StateClientSide, 1<<20, early)}
	op, _, err := c.in.Next()
	require.NoError(t, err)
	require.Equal(t, ws.OpText, op, "hello")
	return c
}

func (c *client) write(frames ...[]byte) {
	_, err := c.conn.Write(bytes.Join(frames, nil))
	require.NoError(c.t, err)
}

// closed returns the payload of the server's close frame, behind which the
// connection must end once it is answered.
func (c *client) closed() []byte {
	c.t.Helper()
	for {
		op, payload, err := c.in.Next()
		require.NoError(c.t, err)
		if op != ws.OpClose {
			continue
		}
		payload = bytes.Clone(payload)
		_, _ = c.conn.Write(frame.AppendClient(nil, ws.OpClose, payload)) // it may have ended already
		_, _, err = c.in.Next()
		var reset *net.OpError // what the server did not read makes TCP say so
		require.True(c.t, errors.Is(err, io.EOF) || errors.As(err, &reset) && !reset.Timeout(), "%v", err)
		return payload
	}
}

// head returns the header of a masked frame with a key of zeros.
func head(first byte, length uint64) []byte {
	switch b := []byte{first}; {
	case length < 126:
		return append(b, 0x80|byte(length), 0, 0, 0, 0)
	case length < 1<<16:
		return append(binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(length)), 0, 0, 0, 0)
	default:
		return append(binary.BigEndian.AppendUint64(append(b, 0x80|127), length), 0, 0, 0, 0)
	}
}

func part(first byte, payload []byte) []byte {
	return append(head(first, uint64(len(payload))), payload...)
}

func closing(code uint16, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), reason...)
}

// rules are what clients write, and the payload of the close frame that they
// get, or its code alone if wantCode is set.
var rules = map[string]struct {
	write    []byte
	want     []byte
	wantCode uint16
}{
	"a message":                     {write: part(0x81, malformed), wantCode: badMessage},
	"a message in fragments":        {write: join(part(0x01, malformed[:2]), part(0x00, nil), part(0x80, malformed[2:])), wantCode: badMessage},
	"a ping between fragments":      {write: join(part(0x01, malformed[:2]), part(0x89, []byte("?")), part(0x80, malformed[2:])), wantCode: badMessage},
	"pongs without a ping":          {write: join(part(0x8a, nil), part(0x8a, []byte("!")), part(0x81, malformed)), wantCode: badMessage},
	"a message that is too large":   {write: head(0x81, 1<<30), wantCode: badMessage},
	"a length of 2^62":              {write: head(0x82, 1<<62), wantCode: badMessage},
	"fragments that are too large":  {write: join(part(0x01, make([]byte, 3)), head(0x80, 1<<30)), wantCode: badMessage},
	"a length of 2^63":              {write: head(0x82, 1<<63), wantCode: 1002},
	"a frame without mask":          {write: frame.AppendServer(nil, ws.OpText, malformed), wantCode: 1002},
	"a close frame without mask":    {write: frame.AppendServer(nil, ws.OpClose, nil), wantCode: 1002},
	"the first reserved bit":        {write: part(0xc1, malformed), wantCode: 1002},
	"the last reserved bit":         {write: part(0x91, malformed), wantCode: 1002},
	"opcode 3":                      {write: part(0x83, malformed), wantCode: 1002},
	"opcode 11":                     {write: part(0x8b, nil), wantCode: 1002},
	"a continuation of nothing":     {write: part(0x80, malformed), wantCode: 1002},
	"a message between fragments":   {write: join(part(0x01, malformed), part(0x81, malformed)), wantCode: 1002},
	"a ping in fragments":           {write: part(0x09, nil), wantCode: 1002},
	"a ping of 126 bytes":           {write: part(0x89, make([]byte, 126)), wantCode: 1002},
	"a close frame of 126 bytes":    {write: part(0x88, closing(1000, string(make([]byte, 124)))), wantCode: 1002},
	"a close frame":                 {write: part(0x88, closing(1000, "bye")), want: closing(1000, "")},
	"a close frame with 1001":       {write: part(0x88, closing(1001, "")), want: closing(1001, "")},
	"a close frame with 1014":       {write: part(0x88, closing(1014, "")), want: closing(1014, "")},
	"a close frame with 4900":       {write: part(0x88, closing(4900, "mine")), want: closing(4900, "")},
	"a close frame without code":    {write: part(0x88, nil), want: []byte{}},
	"a close frame of one byte":     {write: part(0x88, []byte{3}), wantCode: 1002},
	"a close frame with 999":        {write: part(0x88, closing(999, "")), wantCode: 1002},
	"a close frame with 1004":       {write: part(0x88, closing(1004, "")), wantCode: 1002},
	"a close frame with 1005":       {write: part(0x88, closing(1005, "")), wantCode: 1002},
	"a close frame with 1006":       {write: part(0x88, closing(1006, "")), wantCode: 1002},
	"a close frame with 1015":       {write: part(0x88, closing(1015, "")), wantCode: 1002},
	"a close frame with 2999":       {write: part(0x88, closing(2999, "")), wantCode: 1002},
	"a close frame with 5000":       {write: part(0x88, closing(5000, "")), wantCode: 1002},
	"a reason that is not UTF-8":    {write: part(0x88, closing(1000, "\xff")), wantCode: 1007},
	"a close frame of 125 bytes":    {write: part(0x88, closing(1000, string(bytes.Repeat([]byte("x"), 123)))), want: closing(1000, "")},
	"messages behind a close frame": {write: join(part(0x88, closing(1000, "")), part(0x81, malformed)), want: closing(1000, "")},
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestConformance holds every server to the same rules.
func TestConformance(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			url := start(t)
			for rule, tt := range rules {
				t.Run(rule, func(t *testing.T) {
					c := dial(t, url)
					c.write(tt.write)
					got := c.closed()
					if tt.wantCode == 0 {
						require.Equal(t, tt.want, got)
						return
					}
					require.GreaterOrEqual(t, len(got), 2)
					require.Equal(t, tt.wantCode, binary.BigEndian.Uint16(got), "%s", got)
				})
			}
		})
	}
}

// Every ping is answered, or a later one is.
func TestPings(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			c := dial(t, start(t))
			for n := range byte(100) {
				c.write(part(0x89, []byte{n}))
			}
			for last := -1; last != 99; {
				op, payload, err := c.in.Next()
				require.NoError(t, err)
				require.Equal(t, ws.OpPong, op)
				require.Len(t, payload, 1)
				require.Greater(t, int(payload[0]), last)
				last = int(payload[0])
			}
		})
	}
}

// A client that does not answer a close frame is cut.
func TestNoAnswerToClose(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, start(t))
			c.write(part(0x81, malformed))
			_, err := io.Copy(io.Discard, c.conn)
			require.NoError(t, err, "the end comes from the server")
		})
	}
}

// A connection that breaks inside a frame, or a handshake that never ends,
// leaves nothing behind: goleak looks at the end.
func TestBrokenConnections(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			url := start(t)
			for _, cut := range [][]byte{nil, {0x81}, head(0x81, 100), part(0x01, []byte("{")), part(0x88, nil)[:3]} {
				c := dial(t, url)
				c.write(cut)
				require.NoError(t, c.conn.Close())
			}
		})
	}
}
