// Package contestant is one side of a comparison: libraries that connect to a
// gateway, each set up as lean as it allows. There are no caches, handlers run
// in order where there is a choice, and nothing is logged.
package contestant

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/discordpkg/gateway/bench/feed"
)

// Token has the form that disgo insists on.
const Token = "MTEwMDAwMDAwMDAwMDAwMDA0Mg.GbEnCh.0123456789abcdefghijklmnopqrstuvwxyz01"

// A Job is what a contestant is asked to do.
type Job struct {
	Client   string // see Clients
	Handler  string // what the client's handler does, see Marks
	Encoding string
	Compress string
	Plan     string // name of the plan at the server
	TLS      bool
	Server   feed.Address
	Frames   int // until the first mark, see [feed.Plan.Frames]
	Events   int // between the marks
	Shards   int // of an idle job
}

// What handlers do.
const (
	Marks   = "marks"   // nothing but to meet the marks
	Raw     = "raw"     // take each event as JSON
	Message = "message" // decode each MESSAGE_CREATE into discordgo's Message
	Create  = "create"  // the same into discordgo's MessageCreate, which scans it more often
	Structs = "structs" // read each event into a struct of package discord that may be kept
	Reused  = "reused"  // the same into a struct that is used again
)

// A client connects once, receives the plan, and calls mark with each of the
// two marks. The connection stays until the process ends.
type client func(ctx context.Context, j Job, mark func()) error

var clients = map[string]client{
	"floor":     floor,
	"gateway":   shard,
	"discordgo": discordgoSession,
	"disgo":     disgoGateway,
}

// Busy receives the events of a plan on one connection, and returns what they cost.
func Busy(ctx context.Context, j Job) (Figure, error) {
	connect, ok := clients[j.Client]
	if !ok {
		return Figure{}, fmt.Errorf("contestant: no client %q", j.Client)
	}
	m := NewMeter()
	failed := make(chan error, 1)
	go func() {
		if err := connect(ctx, j, m.Mark); err != nil {
			failed <- err
		}
	}()
	select {
	case err := <-failed:
		return Figure{}, err
	case <-ctx.Done():
		return Figure{}, context.Cause(ctx)
	case <-m.Done():
		return m.Figure(j.Events)
	}
}

// url is where the plan is, without a query.
func (j Job) url() string {
	if j.TLS {
		return "wss://" + j.Server.TLS + "/" + j.Plan
	}
	return "ws://" + j.Server.Plain + "/" + j.Plan
}

// query is how Discord wants the query.
func (j Job) query() string {
	q := url.Values{"v": {"10"}, "encoding": {j.Encoding}}
	if j.Compress != "" && j.Compress != "payload" {
		q.Set("compress", j.Compress)
	}
	return "?" + q.Encode()
}

var errCertificate = errors.New("contestant: the server's certificate is not PEM")

var (
	trust  sync.Once // guards config
	config *tls.Config
)

// tls returns what trusts the server, the same for all connections.
func (j Job) tls() (*tls.Config, error) {
	trust.Do(func() {
		pool := x509.NewCertPool()
		if pool.AppendCertsFromPEM([]byte(j.Server.Certificate)) {
			config = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		}
	})
	if config == nil {
		return nil, errCertificate
	}
	return config, nil
}
