package hostile

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway/internal/frame"
)

// Scenarios returns all of them, in an order that does not change.
func Scenarios() []Scenario {
	var all []Scenario
	for _, group := range [][]Scenario{handshakes(), inTLS(), frames(), compressions(), terms(), texts(), protocol()} {
		slices.SortFunc(group, func(a, b Scenario) int { return strings.Compare(a.Name, b.Name) })
		all = append(all, group...)
	}
	return all
}

// answers reads the request, and writes pieces until the client is gone or the
// bytes are many.
func answers(start, repeated string, pause time.Duration) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		if _, err := io.WriteString(conn, start); err != nil || repeated == "" {
			return
		}
		for sent := 0; sent < 256<<20; sent += len(repeated) {
			if _, err := io.WriteString(conn, repeated); err != nil {
				return
			}
			if pause > 0 {
				time.Sleep(pause)
			}
		}
	}
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

func handshakes() (all []Scenario) {
	kib := strings.Repeat("y", 1024)
	for name, raw := range map[string]func(net.Conn){
		"a line without end":                  answers("", kib, 0),
		"a header without end":                answers(switching+"X: ", kib, 0),
		"headers without end":                 answers(switching, strings.Repeat("X: y\r\n", 200), 0),
		"a wrong Sec-WebSocket-Accept":        answers(switching+"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n", "", 0),
		"garbage":                             answers("\x00\x01\x02\x03\r\n\r\n", "", 0),
		"a redirect":                          answers("HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", "", 0),
		"200 and a body without end":          answers("HTTP/1.1 200 OK\r\n\r\n", kib, 0),
		"401":                                 answers("HTTP/1.1 401 Unauthorized\r\n\r\n", "", 0),
		"403":                                 answers("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno\r\n", "", 0),
		"429 with Retry-After: 0":             answers("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\n\r\n", "", 0),
		"503 without Retry-After":             answers("HTTP/1.1 503 Service Unavailable\r\n\r\n", "", 0),
		"one byte each 20 ms":                 answers(switching, "X", 20*time.Millisecond),
		"silence":                             func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
		"close at once":                       func(net.Conn) {},
		"reset at once":                       func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) },
		"HTTP/1.0":                            answers("HTTP/1.0 101 Switching Protocols\r\n\r\n", "", 0),
		"an extension that was not asked for": answers(switching+"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "", 0),
	} {
		all = append(all, Scenario{Group: "handshake", Name: name, Raw: raw})
	}
	return all
}

func inTLS() []Scenario {
	return []Scenario{
		{Group: "TLS", Name: "silence", TLS: true, Raw: func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }},
		{Group: "TLS", Name: "close", TLS: true, Raw: func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }},
		{Group: "TLS", Name: "plain HTTP", TLS: true, Raw: func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}},
		{Group: "TLS", Name: "one byte each 20 ms", TLS: true, Raw: func(conn net.Conn) {
			for _, err := conn.Read(make([]byte, 1024)); err == nil; time.Sleep(20 * time.Millisecond) {
				_, err = conn.Write([]byte{22})
			}
		}},
		{Group: "TLS", Name: "a record of 64 KiB", TLS: true, Raw: func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = conn.Write(append([]byte{22, 3, 3, 0xff, 0xff}, make([]byte, 0xffff)...))
			_, _ = io.Copy(io.Discard, conn)
		}},
	}
}

// then writes bytes, and waits for the client to go.
func then(b []byte) func(*Conn) {
	return func(c *Conn) {
		c.Raw(b)
		c.Leave()
	}
}

// times writes a frame many times, while what the client writes is thrown away.
func times(n int, b []byte) func(*Conn) {
	return func(c *Conn) {
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			c.Leave()
		}()
		batch := []byte(strings.Repeat(string(b), 1000))
		for range n / 1000 {
			if !c.Raw(batch) {
				break
			}
		}
		c.Frame(ws.OpClose, ws.NewCloseFrameBody(4000, ""))
		<-gone
	}
}

func closing(code uint16, reason string) []byte {
	return frame.AppendServer(nil, ws.OpClose, append([]byte{byte(code >> 8), byte(code)}, reason...))
}

func frames() (all []Scenario) {
	masked := frame.AppendClient(nil, ws.OpText, []byte(`{"op":11}`))
	rsv := frame.AppendServer(nil, ws.OpText, []byte(`{"op":11}`))
	rsv[0] |= 0x40
	for name, active := range map[string]func(*Conn){
		"a masked frame":                  then(masked),
		"a reserved bit":                  then(rsv),
		"a reserved opcode":               then([]byte{0x83, 0}),
		"a ping of 126 bytes":             then(frame.AppendServer(nil, ws.OpPing, make([]byte, 126))),
		"a fragmented ping":               then([]byte{0x09, 0}),
		"a continuation without a start":  then([]byte{0x80, 0}),
		"a million empty fragments":       times(1e6, []byte{0x00, 0}),
		"a million empty first fragments": func(c *Conn) { c.Raw([]byte{0x01, 0}); times(1e6, []byte{0x00, 0})(c) },
		"a million pings":                 times(1e6, []byte{0x89, 0}),
		"100,000 pings of 125 bytes":      times(1e5, frame.AppendServer(nil, ws.OpPing, make([]byte, 125))),
		"a declared GiB":                  then([]byte{0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0}),
		"a declared 2^63":                 then([]byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}),
		"text that is no UTF-8":           then(frame.AppendServer(nil, ws.OpText, []byte("{\"op\":0,\"s\":2,\"t\":\"MESSAGE_CREATE\",\"d\":\"\xff\"}"))),
		"a close frame of one byte":       then([]byte{0x88, 1, 3}),
		"an empty close frame":            then([]byte{0x88, 0}),
		"close code 999":                  then(closing(999, "")),
		"close code 1005":                 then(closing(1005, "")),
		"close code 1006":                 then(closing(1006, "")),
		"close code 1015":                 then(closing(1015, "")),
		"close code 5000":                 then(closing(5000, "")),
		"a reason that is no UTF-8":       then(closing(4000, strings.Repeat("\xff", 123))),
		"half a frame, and silence":       then([]byte{0x82, 126, 1, 0, 'x'}),
		"reset": func(c *Conn) {
			if tcp, ok := c.Conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
		},
	} {
		all = append(all, Scenario{Group: "frames", Name: name, Active: active})
	}
	return all
}
