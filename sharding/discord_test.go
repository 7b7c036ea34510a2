package sharding_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
)

const messages = intent.Guilds | intent.GuildMessages

// A wire is a listener in memory, for the local Discord in a synctest bubble.
type wire struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newWire() *wire { return &wire{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error { w.once.Do(func() { close(w.closed) }); return nil }

func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.conns <- server:
		return client, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// A discord is a local Discord in virtual time.
type discord struct {
	*gatewaytest.Server
	wire *wire
}

func newDiscord(t *testing.T, options ...gatewaytest.Option) *discord {
	d := &discord{wire: newWire()}
	d.Server = gatewaytest.NewServer(append(options, gatewaytest.WithListener(d.wire))...)
	t.Cleanup(d.Close)
	// A group whose test waits for something that does not come reconnects for
	// ever, and in a bubble that takes no time: it looks like a busy loop.
	hung := time.AfterFunc(60*24*time.Hour, func() { panic("the test waits for something that does not come") })
	t.Cleanup(func() { hung.Stop() })
	return d
}

// config lets a group reach the local Discord.
func (d *discord) config() sharding.Config {
	return sharding.Config{
		Shard: gatewayshard.Config{NetDial: d.wire.dial, Proxy: noProxy},
		Discovery: sharding.Discovery{
			API:    d.URL + "/api/v10",
			Client: &http.Client{Transport: &http.Transport{DialContext: d.wire.dial, DisableKeepAlives: true}},
		},
	}
}

// live is config for a Discord on a real port.
func live(srv *gatewaytest.Server) sharding.Config {
	return sharding.Config{
		Discovery: sharding.Discovery{
			API:    srv.URL + "/api/v10",
			Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		},
		IdentifyInterval: time.Microsecond,
	}
}

// virtually runs f in a bubble.
func virtually(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// run starts a group and returns what ends with it.
func run(ctx context.Context, g *sharding.Group) <-chan error {
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	return done
}

// A diary is what handlers were called with.
type diary struct {
	mu     sync.Mutex
	events []sharding.Event
}

func (l *diary) handle(_ context.Context, e sharding.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e.Clone())
	return nil
}

// of returns the events of one kind.
func (l *diary) of(name event.Type) (found []sharding.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Name == name {
			found = append(found, e)
		}
	}
	return found
}

func (l *diary) texts(name event.Type) (texts []string) {
	for _, e := range l.of(name) {
		texts = append(texts, text(e.Data))
	}
	return texts
}

func text(data []byte) string {
	m, err := gateway.Decode[struct{ Content string }](data)
	if err != nil {
		return err.Error()
	}
	return m.Content
}

func message(guild *gatewaytest.Guild, content string) string {
	return fmt.Sprintf(`{"id":"1","guild_id":"%d","channel_id":"2","content":%q,"author":{"id":"%d"}}`, guild.ID, content, gatewaytest.Bot)
}

func (d *discord) say(t *testing.T, guild int, content string) {
	t.Helper()
	n, err := d.Dispatch(event.MessageCreate, message(d.Guilds()[guild], content))
	require.NoError(t, err)
	require.Positive(t, n, "nobody is listening")
}

var errEnough = errors.New("enough")
