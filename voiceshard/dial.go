package voiceshard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/gobwas/ws"
)

// dial opens a websocket, and returns the bytes that followed the handshake as
// well: the server says Hello without waiting for anything.
func (c *config) dial(ctx context.Context, target string) (conn net.Conn, early []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.dialTimeout,
		fmt.Errorf("%w after %v", context.DeadlineExceeded, c.dialTimeout))
	defer cancel()
	if c.websocketDial != nil {
		if conn, err = c.websocketDial(ctx, target); err != nil {
			return nil, nil, fmt.Errorf("voiceshard: dial %s: %w", host(target), err)
		}
		return conn, nil, nil
	}
	dialer := ws.Dialer{
		NetDial:   c.netDial,
		TLSClient: c.tlsClient,
		Header:    ws.HandshakeHeaderHTTP(c.header),
	}
	conn, early, err = frame.Dial(ctx, dialer, target)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		err = fmt.Errorf("voiceshard: dial %s: %w", host(target), err)
		if distrusted(err) {
			err = fmt.Errorf("%w; trust the certificate of a server of your own with WithTLS, or SSL_CERT_FILE=ca.pem", err)
		}
		return nil, nil, err
	}
	return conn, early, nil
}

func (c *config) tlsClient(conn net.Conn, hostname string) net.Conn {
	return frame.TLSClient(conn, c.tls, hostname)
}

// distrusted reports whether a certificate was refused: another attempt meets
// the same one.
func distrusted(err error) bool {
	var refused *tls.CertificateVerificationError
	return errors.As(err, &refused)
}

// host returns what people want to know of a URL.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(invalid url)"
	}
	return u.Host
}
