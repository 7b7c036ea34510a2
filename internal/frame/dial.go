package frame

import (
	"bufio"
	"crypto/tls"
	"net"
	"strings"

	"github.com/gobwas/ws"
)

// TLSClient begins TLS on a connection to a host, which it expects a
// certificate for unless the configuration names another. The configuration
// may be nil, and is not changed.
func TLSClient(conn net.Conn, config *tls.Config, host string) net.Conn {
	config = config.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = strings.Trim(host, "[]")
	}
	return tls.Client(conn, config)
}

// Early returns what [ws.Dialer.Dial] read together with the handshake: Discord
// sends Hello without waiting for anything. It takes the reader, which may be
// nil, back into its pool.
func Early(r *bufio.Reader) []byte {
	if r == nil {
		return nil
	}
	early, _ := r.Peek(r.Buffered())
	early = append([]byte(nil), early...)
	ws.PutReader(r)
	return early
}
