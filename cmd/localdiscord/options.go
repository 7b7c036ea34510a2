package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/voiceserver"
)

// options are the flags.
type options struct {
	addr           string
	control        string
	tls            bool
	ca             string // file
	guilds         int
	shards         int
	maxConcurrency int
	heartbeat      time.Duration
	timeoutEnds    bool
	traffic        float64
	tokens         []string
	seed           uint64
	level          slog.Level
}

const (
	members    = 50 // of each guild
	beatGrace  = 20 * time.Second
	maxGuilds  = 1_000_000
	maxTraffic = 100_000
)

// parseOptions returns [flag.ErrHelp] when help is asked for, and otherwise
// errors that say which flag is wrong.
func parseOptions(args []string) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("localdiscord", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.addr, "addr", "127.0.0.1:0", "")
	fs.StringVar(&o.control, "control", "127.0.0.1:0", "")
	fs.BoolVar(&o.tls, "tls", false, "")
	fs.StringVar(&o.ca, "ca", "", "")
	fs.IntVar(&o.guilds, "guilds", 3, "")
	fs.IntVar(&o.shards, "shards", 1, "")
	fs.IntVar(&o.maxConcurrency, "max-concurrency", 1, "")
	fs.DurationVar(&o.heartbeat, "heartbeat", 41250*time.Millisecond, "")
	fs.BoolVar(&o.timeoutEnds, "timeout-ends-session", false, "")
	fs.Float64Var(&o.traffic, "traffic", 0, "")
	fs.Func("token", "", o.addTokens)
	fs.Uint64Var(&o.seed, "seed", 0, "")
	fs.TextVar(&o.level, "log-level", slog.LevelInfo, "")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return o, o.check()
}

func (o *options) addTokens(list string) error {
	for token := range strings.SplitSeq(list, ",") {
		if token = strings.TrimSpace(token); token == "" {
			return errors.New("empty token")
		}
		o.tokens = append(o.tokens, token)
	}
	return nil
}

func (o *options) check() error {
	switch {
	case o.guilds < 0 || o.guilds > maxGuilds:
		return fmt.Errorf("-guilds is not between 0 and %d", maxGuilds)
	case o.shards < 1:
		return errors.New("-shards is below 1")
	case o.maxConcurrency < 1:
		return errors.New("-max-concurrency is below 1")
	case o.heartbeat < time.Millisecond:
		return errors.New("-heartbeat is below 1ms")
	case !(o.traffic >= 0 && o.traffic <= maxTraffic): // NaN is neither
		return fmt.Errorf("-traffic is not between 0 and %d", maxTraffic)
	}
	return nil
}

// server returns what the flags say of the local Discord, whose voice server
// tells the log what happens.
func (o *options) server(log *slog.Logger) []gatewaytest.Option {
	options := []gatewaytest.Option{
		gatewaytest.WithGuilds(o.guilds, members),
		gatewaytest.WithGuildsPerShard(maxGuilds),
		gatewaytest.WithShards(o.shards),
		gatewaytest.WithMaxConcurrency(o.maxConcurrency),
		gatewaytest.WithHeartbeat(o.heartbeat, beatGrace),
		gatewaytest.WithToken(o.tokens...),
		gatewaytest.WithSeed(o.seed),
		gatewaytest.WithVoiceServer(voiceserver.WithLogger(log)),
	}
	if o.tls {
		options = append(options, gatewaytest.WithTLS())
	}
	if o.timeoutEnds {
		options = append(options, gatewaytest.WithTimeoutEndsSession())
	}
	return options
}
