package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
)

// An order is what a process of shards is to do.
type order struct {
	Address  address
	Store    string // directory of the sessions
	Shards   int
	Pace     time.Duration // between two identifies of a bucket, zero for the default
	Idle     time.Duration // how long to measure, zero: not at all
	Restart  bool          // the sessions are there, and each has missed an event
	Patience time.Duration
}

// Figures are what became of an order.
type figures struct {
	Ready    time.Duration // from the start to the last READY or RESUMED
	ReadyAt  time.Time
	ReadyCPU time.Duration

	Beats   uint64 // messages received in the idle time: acknowledged heartbeats
	IdleCPU time.Duration
	Weight  process.Footprint // per shard

	Stop   time.Duration // from Close until everything had ended
	StopAt time.Time     // when Close was called

	Connections uint64
	Identifies  uint64
	Resumes     uint64
	Messages    int // MESSAGE_CREATE
}

// A fleet is the shards of an order.
type fleet struct {
	order    order
	group    *sharding.Group
	ended    chan error
	log      io.Writer
	ready    *roll // READY or RESUMED
	guilds   *roll // GUILD_CREATE
	messages *roll // MESSAGE_CREATE
}

// carryOut starts the shards, lets them idle, and stops them.
func (o order) carryOut(ctx context.Context, log io.Writer) (f figures, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	if err := process.AllowFiles(o.Shards + spareFiles); err != nil {
		return f, err
	}
	before := process.Weigh()
	l := &fleet{
		order: o, ended: make(chan error, 1), log: log,
		ready: newRoll(o.Shards), guilds: newRoll(o.Shards), messages: newRoll(o.Shards),
	}
	if err := l.start(ctx, &f); err != nil {
		return f, err
	}
	if o.Idle > 0 {
		if err := l.idle(ctx, &f); err != nil {
			return f, err
		}
		f.Weight = process.Weigh().PerEach(o.Shards, before)
	}
	return f, l.stop(ctx, &f)
}

func (l *fleet) newGroup() (*sharding.Group, error) {
	store, err := sharding.NewFileStore(l.order.Store)
	if err != nil {
		return nil, err
	}
	config := sharding.Config{
		IdentifyInterval: l.order.Pace,
		Store:            store,
		Hooks:            sharding.Hooks{Session: func(shard gateway.ShardID, _ bool) { l.ready.call(shard) }},
	}
	if der := l.order.Address.Certificate; der != nil {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AddCert(cert)
		config.Shard.TLS = &tls.Config{RootCAs: roots}
	}
	config.Discovery = sharding.Discovery{
		API:    l.order.Address.API,
		Client: &http.Client{Transport: &http.Transport{TLSClientConfig: config.Shard.TLS, DisableKeepAlives: true}},
	}
	group, err := config.NewGroup("scale", gateway.WithIntents(intent.Guilds|intent.GuildMessages))
	if err != nil {
		return nil, err
	}
	group.On(event.GuildCreate, l.guilds.handle)
	group.On(event.MessageCreate, l.messages.handle)
	return group, nil
}

// start returns when every shard has what its order says it gets.
func (l *fleet) start(ctx context.Context, f *figures) (err error) {
	begin, cpu := time.Now(), process.CPUTime()
	if l.group, err = l.newGroup(); err != nil {
		return err
	}
	go func() { l.ended <- l.group.Run(ctx) }()
	if err := l.await(ctx, l.ready, "ready"); err != nil {
		return err
	}
	f.ReadyAt = time.Now()
	f.Ready, f.ReadyCPU = f.ReadyAt.Sub(begin), process.CPUTime()-cpu
	fmt.Fprintf(l.log, "%d shards are ready after %v\n", l.order.Shards, f.Ready.Round(time.Millisecond))
	if l.order.Restart {
		return l.await(ctx, l.messages, "told what they missed")
	}
	return l.await(ctx, l.guilds, "told their guilds")
}

// await returns when every shard was called.
func (l *fleet) await(ctx context.Context, r *roll, what string) error {
	var why error
	select {
	case <-r.complete:
		return nil
	case why = <-l.ended:
	case <-ctx.Done():
		why = context.Cause(ctx)
	}
	return fmt.Errorf("%d of %d shards are %s: %w", r.present(), l.order.Shards, what, why)
}

// calm is how long the last checkpoint of a start may take.
const calm = time.Second

// idle measures shards that only heartbeat.
func (l *fleet) idle(ctx context.Context, f *figures) error {
	if err := l.pause(ctx, calm); err != nil {
		return err
	}
	runtime.GC()
	messages, cpu := l.sum().Messages, process.CPUTime()
	if err := l.pause(ctx, l.order.Idle); err != nil {
		return err
	}
	f.IdleCPU = process.CPUTime() - cpu
	f.Beats = l.sum().Messages - messages
	fmt.Fprintf(l.log, "%d heartbeats in %v took %v of processor time\n", f.Beats, l.order.Idle, f.IdleCPU.Round(time.Millisecond))
	return nil
}

func (l *fleet) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case err := <-l.ended:
		return fmt.Errorf("the group ended: %w", err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stop closes the group and keeps its sessions.
func (l *fleet) stop(ctx context.Context, f *figures) error {
	total := l.sum()
	f.Connections, f.Identifies, f.Resumes = total.Connections, total.Identifies, total.Resumes
	f.StopAt = time.Now()
	if err := errors.Join(l.group.Close(ctx, gatewayshard.KeepSession), <-l.ended); err != nil {
		return err
	}
	f.Stop = time.Since(f.StopAt)
	f.Messages = l.messages.calls()
	return nil
}

// sum returns the counters of all shards.
func (l *fleet) sum() (total gatewayshard.Stats) {
	for id := range l.order.Shards {
		s := l.group.Shard(gateway.ShardID(id)).Stats()
		total.Messages += s.Messages
		total.Connections += s.Connections
		total.Identifies += s.Identifies
		total.Resumes += s.Resumes
	}
	return total
}
