package contestant

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/bench/feed"
	"github.com/discordpkg/gateway/bench/mix"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/intent"
)

// unlimited lets any number of shards identify at once.
type unlimited struct{}

func (unlimited) Take(uint, time.Time) (time.Time, bool) { return time.Time{}, true }

// shard is this library.
func shard(ctx context.Context, j Job, mark func()) error {
	wire, err := j.wire()
	if err != nil {
		return err
	}
	var config gatewayshard.Config
	if j.TLS {
		if config.TLS, err = j.tls(); err != nil {
			return err
		}
	}
	handler := j.handler(mark)
	if j.Handler == Structs || j.Handler == Reused {
		config.PayloadHandler, handler = j.structs(mark), nil
		wire = append(wire, gateway.WithEncodedData(j.events()[1:]...))
	}
	s, err := config.NewShard(0, Token, handler, append(wire,
		gateway.WithURL(j.url()+j.query()),
		gateway.WithIntents(intent.All),
		gateway.WithEvents(j.events()...),
		gateway.WithIdentifyRateLimiter(unlimited{}),
	)...)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// events are those that the handler wants.
func (j Job) events() []event.Type {
	events := []event.Type{feed.Mark}
	switch j.Handler {
	case Raw, Structs, Reused:
		for _, name := range mix.Names() {
			events = append(events, event.Type(name))
		}
	case Message, Create:
		events = append(events, event.MessageCreate)
	}
	return events
}

func (j Job) handler(mark func()) gateway.Handler {
	return func(_ gateway.ShardID, t event.Type, data gateway.RawMessage) {
		switch {
		case t == feed.Mark:
			mark()
		case j.Handler == Message:
			decode[discordgo.Message](data)
		case j.Handler == Create:
			decode[discordgo.MessageCreate](data)
		default:
			runtime.KeepAlive(data)
		}
	}
}

// structs reads each event into a struct of its own, from JSON or from ETF.
func (j Job) structs(mark func()) func(gateway.ShardID, *gateway.GatewayPayload) {
	reused := make(map[event.Type]discord.Event)
	for _, name := range mix.Names() {
		reused[event.Type(name)] = discord.New(event.Type(name))
	}
	read := func(p *gateway.GatewayPayload) (e discord.Event, err error) {
		switch {
		case p.Encoded != nil:
			e = discord.New(p.EventName)
			return e, e.DecodeETF(p.Encoded)
		case j.Handler == Structs:
			return discord.Decode(p.EventName, p.Data)
		}
		e = reused[p.EventName]
		return e, discord.DecodeInto(e, p.Data)
	}
	return func(_ gateway.ShardID, p *gateway.GatewayPayload) {
		if p.EventName == feed.Mark {
			mark()
			return
		}
		if p.EventName == event.Ready { // comes once, wanted or not
			return
		}
		e, err := read(p)
		if err != nil {
			panic(err)
		}
		runtime.KeepAlive(e)
	}
}

// decode is the typed handler.
func decode[T any](data gateway.RawMessage) {
	v, err := gateway.Decode[T](data)
	if err != nil {
		panic(err)
	}
	runtime.KeepAlive(v)
}

// wire returns the options for the encoding and compression of a job.
func (j Job) wire() (options []gateway.Option, err error) {
	switch j.Encoding {
	case "json":
	case "etf":
		options = append(options, gateway.WithEncoding(etf.Codec{}))
	default:
		return nil, fmt.Errorf("contestant: no encoding %q", j.Encoding)
	}
	switch j.Compress {
	case "":
	case "zlib-stream":
		options = append(options, gateway.WithTransportCompression(compress.NewZlibStream))
	case "zstd-stream":
		options = append(options, gateway.WithTransportCompression(compress.NewZstdStream))
	case "payload":
		options = append(options, gateway.WithPayloadCompression(compress.NewPayload))
	default:
		return nil, fmt.Errorf("contestant: no compression %q", j.Compress)
	}
	return options, nil
}
