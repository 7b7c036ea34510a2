package frame

import (
	"crypto/tls"
	"net"
	"strings"
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
