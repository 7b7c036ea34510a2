package certificate

import (
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSelfSigned(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pair, cert, err := SelfSigned("test", now, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}, &net.TCPAddr{IP: net.IPv4zero}, &net.UnixAddr{})
	require.NoError(t, err)
	require.Equal(t, pair.Certificate[0], cert.Raw)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	for host, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "192.0.2.7": true, "0.0.0.0": false, "example.com": false} {
		_, err := cert.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: now.AddDate(0, 6, 0)})
		require.Equal(t, ok, err == nil, host)
	}
	_, err = cert.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: roots, CurrentTime: now.AddDate(2, 0, 0)})
	require.Error(t, err, "no longer valid")
}
