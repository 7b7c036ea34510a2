package main

import (
	"context"
	"fmt"
	"time"
)

// A place is where the gateway is.
type place struct {
	url            string
	token          string
	maxConcurrency uint
}

// locate asks Discord where the gateway is, unless it is known.
func (m machine) locate(ctx context.Context, b *bot) (place, error) {
	switch {
	case b.discord != nil:
		return place{b.discord.DialURL, "local", b.options.shards}, nil
	case b.url != "":
		return place{b.url, b.token(), 1}, nil // right for every bot
	}
	found, err := m.discover(ctx, b.token())
	if err != nil {
		return place{}, err
	}
	if left := found.Limit; left.Remaining < int(b.options.shards) {
		return place{}, fmt.Errorf("the bot may start %d more sessions until %v from now", left.Remaining, left.ResetAfter.Round(time.Second))
	}
	if found.Shards > b.options.shards {
		b.log.Info("discord recommends more shards, see -shards", "shards", found.Shards)
	}
	return place{found.URL, b.token(), found.Limit.MaxConcurrency}, nil
}
