package main

import (
	"context"
	"errors"
	"time"

	"github.com/discordpkg/gateway/sharding"
)

// A place is where the gateway is, and how to come in.
type place struct {
	url      string
	token    string
	total    uint          // shards
	buckets  uint          // identify at the same time
	interval time.Duration // between two identifies of a bucket, zero: Discord's
	ask      bool          // the group is to ask Discord too
}

var errNoTotal = errors.New("-shards auto: there are no stored sessions to tell, and -url leaves Discord's advice out")

// locate asks Discord where the gateway is, unless it is known.
func (m machine) locate(ctx context.Context, b *bot, stored sharding.Checkpoint) (place, error) {
	to := place{url: b.url, token: b.token(), total: b.options.shards, buckets: max(1, b.concurrency)}
	if to.total == 0 && len(stored.Shards) > 0 {
		to.total = stored.Total
	}
	switch {
	case b.discord != nil:
		to.url, to.token, to.interval = b.discord.DialURL, "local", localIdentify
		to.total, to.buckets = b.localShards(), b.localBuckets()
		return to, nil
	case b.url != "":
		if to.total == 0 {
			return place{}, errNoTotal
		}
		return to, nil
	}
	found, err := m.discovery.GatewayBot(ctx, b.token())
	if err != nil {
		return place{}, err
	}
	to.url, to.buckets, to.ask = found.URL, found.Limit.MaxConcurrency, true
	if to.total == 0 {
		to.total = found.Shards
	}
	if found.Shards > to.total {
		b.log.Info("discord recommends more shards, see -shards", "shards", found.Shards)
	}
	return to, nil
}
