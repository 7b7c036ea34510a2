package websocket

import (
	"net"
	"net/http"

	"github.com/gobwas/ws"
)

// Upgrade answers the handshake of a client. Every extension is declined. Early
// are bytes that the client sent behind it. If it returns false the request was
// answered with an error.
func Upgrade(w http.ResponseWriter, r *http.Request) (conn net.Conn, early []byte, ok bool) {
	conn, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil { // the upgrader has answered
		if conn != nil {
			_ = conn.Close()
		}
		return nil, nil, false
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ = rw.Reader.Peek(n)
	}
	return conn, early, true
}
