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
	s, err := config.NewShard(0, Token, j.handler(mark), append(wire,
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
	case Raw:
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
