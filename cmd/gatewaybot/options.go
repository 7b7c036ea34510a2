package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
)

// options are the flags, with defaults that depend on each other filled in.
type options struct {
	token       func() string // a function, so that no string form shows it; empty: local Discord
	length      time.Duration // zero: until interrupted
	cut         time.Duration // zero: never
	soak        bool
	intents     intent.Type
	events      event.Set
	filter      bool   // events says which to show
	shards      uint   // zero: as many as Discord recommends
	concurrency uint   // shards that may identify at once, zero: the default
	store       string // a file, empty: sessions end with the run
	takeover    bool   // wait for the process that has the file
	json        bool
	encoding    string
	compress    string
	url         string // empty: Discord's own, or the local one's
	traffic     float64
	seed        uint64
	level       slog.Level
}

const (
	defaultLength  = 15 * time.Second
	defaultTraffic = 100
	maxShards      = 1024
	maxTraffic     = 100_000
)

// local reports whether the bot brings its own Discord.
func (o *options) local() bool { return o.token() == "" }

// parseOptions returns [flag.ErrHelp] when help is asked for, and otherwise
// errors that say which flag is wrong.
func parseOptions(args []string, env func(string) string) (*options, error) {
	token := strings.TrimPrefix(strings.TrimSpace(env("DISCORD_TOKEN")), "Bot ")
	o := &options{token: func() string { return token }, shards: 1}
	fs := flag.NewFlagSet("gatewaybot", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.DurationVar(&o.length, "for", defaultLength, "")
	fs.DurationVar(&o.cut, "cut", 0, "")
	fs.BoolVar(&o.soak, "soak", false, "")
	fs.Var(&o.intents, "intents", "")
	fs.Func("events", "", o.addEvents)
	fs.Func("shards", "", o.setShards)
	fs.UintVar(&o.concurrency, "max-concurrency", 0, "")
	fs.StringVar(&o.store, "store", "", "")
	fs.BoolVar(&o.takeover, "takeover", false, "")
	fs.BoolVar(&o.json, "json", false, "")
	fs.StringVar(&o.encoding, "encoding", "json", "")
	fs.StringVar(&o.compress, "compress", "none", "")
	fs.StringVar(&o.url, "url", "", "")
	fs.Float64Var(&o.traffic, "traffic", defaultTraffic, "")
	fs.Uint64Var(&o.seed, "seed", 0, "")
	fs.TextVar(&o.level, "log-level", slog.LevelInfo, "")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: the commands are play and record, and come before flags", fs.Arg(0))
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := o.complete(given); err != nil {
		return nil, err
	}
	return o, o.check(given)
}

// addEvents adds names separated by commas.
func (o *options) addEvents(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		t := event.Type(strings.ToUpper(strings.TrimSpace(name)))
		if !t.Known() {
			return fmt.Errorf("no event is called %q", name)
		}
		o.events.Add(t)
	}
	o.filter = true
	return nil
}

// setShards takes a number, or the word auto.
func (o *options) setShards(s string) error {
	if s == "auto" {
		o.shards = 0
		return nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n < 1 || n > maxShards {
		return fmt.Errorf("-shards is not between 1 and %d, nor auto", maxShards)
	}
	o.shards = uint(n)
	return nil
}

// complete fills in the defaults that depend on other flags.
func (o *options) complete(given map[string]bool) (err error) {
	if !given["for"] && (o.soak || !o.local()) {
		o.length = 0
	}
	if !given["cut"] && o.local() && !o.soak {
		o.cut = o.length / 2
	}
	if o.filter {
		wanted := o.events.All()
		o.intents |= intent.FromGuildEvents(wanted...) | intent.FromDirectMessageEvents(wanted...)
	} else if !given["intents"] {
		o.intents = intent.Unprivileged
		if o.local() {
			o.intents = intent.All
		}
	}
	if o.url != "" {
		o.url, err = completeURL(o.url)
	}
	return err
}

// completeURL adds the version and encoding to a URL without them.
func completeURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("-url: %w", err)
	}
	q := u.Query()
	if !q.Has("v") {
		q.Set("v", "10")
	}
	if !q.Has("encoding") {
		q.Set("encoding", "json")
	}
	u.RawQuery = q.Encode()
	valid, err := gateway.ValidateDialURL(u.String())
	if err != nil {
		return "", fmt.Errorf("-url: %w", err)
	}
	return valid, nil
}

func (o *options) check(given map[string]bool) error {
	switch {
	case o.length < 0:
		return errors.New("-for is negative")
	case o.cut < 0:
		return errors.New("-cut is negative")
	case o.length > 0 && o.cut >= o.length:
		return errors.New("-cut is not before the end, see -for")
	case o.concurrency > maxShards:
		return fmt.Errorf("-max-concurrency is above %d", maxShards)
	case o.concurrency > 0 && !o.local() && o.url == "":
		return errors.New("-max-concurrency is for -url and the local Discord: Discord itself says how many shards may identify at once")
	case !(o.traffic >= 0 && o.traffic <= maxTraffic): // NaN is neither
		return fmt.Errorf("-traffic is not between 0 and %d", maxTraffic)
	case o.url != "" && o.local():
		return errors.New("-url needs a token in the environment variable DISCORD_TOKEN; a local Discord takes any")
	case o.store != "" && o.local():
		return errors.New("-store needs a token in the environment variable DISCORD_TOKEN: the sessions of the local Discord end with the run")
	case !o.local() && (given["traffic"] || given["seed"]):
		return errors.New("-traffic and -seed are for the local Discord, which DISCORD_TOKEN turns off")
	}
	if o.takeover && o.store == "" {
		return errors.New("-takeover waits for the process that has the file of -store, and none is given")
	}
	if o.store != "" {
		if _, _, err := splitStore(o.store); err != nil {
			return err
		}
	}
	_, err := o.wire()
	return err
}

// wire returns what encoding and compression make of the states.
func (o *options) wire() (wire []gateway.Option, err error) {
	switch o.encoding {
	case "json":
	case "etf":
		wire = append(wire, gateway.WithEncoding(etf.Codec{}))
	default:
		return nil, fmt.Errorf("-encoding is json or etf, not %q", o.encoding)
	}
	switch o.compress {
	case "none":
	case "zlib-stream":
		wire = append(wire, gateway.WithTransportCompression(compress.NewZlibStream))
	case "zstd-stream":
		wire = append(wire, gateway.WithTransportCompression(compress.NewZstdStream))
	case "payload":
		if o.encoding != "json" {
			return nil, errors.New("-compress payload needs -encoding json")
		}
		wire = append(wire, gateway.WithPayloadCompression(compress.NewPayload))
	default:
		return nil, fmt.Errorf("-compress is none, zlib-stream, zstd-stream or payload, not %q", o.compress)
	}
	return wire, nil
}
