package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret of more than thirty-two bytes"

// start starts a voice server, and returns its address and certificate.
func start(t *testing.T, addr string, options ...voiceserver.Option) (srv *voiceserver.Server, url string, ca *x509.Certificate) {
	srv, err := voiceserver.New(options...)
	require.NoError(t, err)
	l, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	_, err = srv.ServeLVSP(l, lvsp.WithBackend(lvsp.Backend{Name: "example", Secret: sealed([]byte(secret))}))
	require.NoError(t, err)
	return srv, "wss://" + l.Addr().String(), srv.Certificate()
}

// A terminal is what somebody types and reads.
type terminal struct {
	t     *testing.T
	lines chan string
	read  chan string
	ended chan error
}

func (te *terminal) run(ctx context.Context, b *backend) {
	te.lines, te.read, te.ended = make(chan string), make(chan string, 100), make(chan error, 1)
	b.print = func(text string) { te.read <- text }
	go func() { te.ended <- b.run(ctx, te.lines) }()
}

// until reads up to a line that has the text.
func (te *terminal) until(text string) {
	te.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case line := <-te.read:
			if strings.Contains(line, text) {
				return
			}
		case <-limit:
			te.t.Fatalf("nothing that has %q", text)
		}
	}
}

func files(t *testing.T, secret string, ca *x509.Certificate) (secretFile, caFile string) {
	dir := t.TempDir()
	secretFile, caFile = filepath.Join(dir, "secret"), filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(secretFile, []byte(secret+"\n"), 0o600))
	require.NoError(t, os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), 0o600))
	return secretFile, caFile
}

func TestBackend(t *testing.T) {
	srv, url, _ := start(t, "127.0.0.1:0", voiceserver.WithoutTLS())
	defer func() { srv.Close() }()
	secretFile, _ := files(t, secret, &x509.Certificate{})
	addr := strings.TrimPrefix(url, "wss://")
	b, err := newBackend("ws://"+addr, secretFile, "")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	te := &terminal{t: t}
	te.run(ctx, b)
	te.until("connected, resumed false, health 1.00")
	te.lines <- "join 20 30 1"
	te.until("endpoint " + srv.Endpoint())
	te.lines <- "mute 20 1"
	te.lines <- "unmute 20 1"
	te.lines <- "leave 20 2"
	te.until("no such channel or voice state")
	te.lines <- "join here"
	te.until(`"here" is no id`)
	te.lines <- "help"
	te.until("join GUILD CHANNEL USER")
	te.lines <- "join 20 30 2"
	te.until("user 2:")
	require.Len(t, srv.Members(30), 2)

	// The voice server is restarted: the backend tells it everything again.
	srv.Close()
	te.until("disconnected")
	te.lines <- "leave 20 2"
	srv, _, _ = start(t, addr, voiceserver.WithoutTLS())
	te.until("connected, resumed false")
	te.until("user 1: session")
	require.Len(t, srv.Members(30), 1)
	stop()
	require.NoError(t, <-te.ended)
}

func TestWrongSecret(t *testing.T) {
	srv, url, ca := start(t, "127.0.0.1:0")
	defer srv.Close()
	secretFile, caFile := files(t, "another "+secret, ca)
	b, err := newBackend(url, secretFile, caFile)
	require.NoError(t, err)
	defer b.http.CloseIdleConnections()
	te := &terminal{t: t}
	te.run(t.Context(), b)
	require.ErrorContains(t, <-te.ended, "authentication failed")
	_, err = newBackend(url, caFile+".missing", "")
	require.Error(t, err)
}

// sealed returns a secret, the zero one if it is too short.
func sealed(b []byte) lvsp.Secret {
	s, _ := lvsp.NewSecret(b)
	return s
}
