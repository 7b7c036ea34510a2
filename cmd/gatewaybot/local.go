package main

import (
	"fmt"
	"net"
	"time"

	"github.com/discordpkg/gateway/gatewaytest"
)

// A localDiscord is the other end of a bot without a token.
type localDiscord struct {
	*gatewaytest.Server
	quiet func() // ends the traffic: nothing is sent by itself when it returns
}

// The times of the local Discord: beats come often, so that there is a latency
// to show.
const (
	beatInterval = time.Second
	beatGrace    = 10 * time.Second

	autoShards = 4 // that the local Discord recommends

	// All shards have identified after less than 16 rounds, which come ten
	// times faster than Discord's: a second round by half of the interval that
	// the bot keeps would be a breach.
	localRounds   = 16
	localBuckets  = 16
	localIdentify = 500 * time.Millisecond
	localStarts   = 10_000
)

// localShards returns how many shards there are without a token.
func (o *options) localShards() uint {
	if o.shards == 0 {
		return autoShards
	}
	return o.shards
}

// localBuckets returns how many shards identify at once without a token.
func (o *options) localBuckets() uint {
	if o.concurrency > 0 {
		return o.concurrency
	}
	return max(localBuckets, (o.localShards()+localRounds-1)/localRounds)
}

// startLocal starts a local Discord with traffic.
func startLocal(o *options, l net.Listener) *localDiscord {
	srv := gatewaytest.NewServer(
		gatewaytest.WithListener(l),
		gatewaytest.WithSeed(o.seed),
		gatewaytest.WithGuilds(max(3, 2*int(o.localShards())), 50),
		gatewaytest.WithShards(int(o.localShards())),
		gatewaytest.WithMaxConcurrency(int(o.localBuckets())),
		gatewaytest.WithIdentifyInterval(localIdentify/2),
		gatewaytest.WithSessionStarts(localStarts),
		gatewaytest.WithHeartbeat(beatInterval, beatGrace),
	)
	return &localDiscord{Server: srv, quiet: srv.Generate(o.traffic)}
}

// sent returns the last sequence number of each session.
func (d *localDiscord) sent() map[string]int64 {
	last := make(map[string]int64)
	for _, s := range d.Sessions() {
		last[s.ID] = s.Seq
	}
	return last
}

// breach returns an error if the bot broke a rule of Discord.
func (d *localDiscord) breach() error {
	if v := d.Violations(); len(v) > 0 {
		return fmt.Errorf("discord's rules were broken %d times, first: %s", len(v), v[0].Text)
	}
	return nil
}
