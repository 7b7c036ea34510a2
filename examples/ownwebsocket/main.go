// Ownwebsocket is a bot that carries the protocol on a websocket library of
// its own choice, here github.com/coder/websocket. It prints the messages
// that it sees, and needs a token:
//
//	DISCORD_TOKEN=... go run ./ownwebsocket
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

func main() {
	url := flag.String("url", gateway.DefaultURL, "the gateway")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	bot := bot{
		token: os.Getenv("DISCORD_TOKEN"),
		options: []gateway.Option{
			gateway.WithURL(*url),
			gateway.WithGuildEvents(event.MessageCreate),
			gateway.WithDirectMessageEvents(event.MessageCreate),
			gateway.WithIdentifyRateLimiter(gateway.NewIdentifyRateLimiter()),
		},
		handle: func(name event.Type, data gateway.RawMessage) { fmt.Printf("%s %s\n", name, data) },
	}
	if err := bot.run(ctx); err != nil {
		log.Fatal(err)
	}
}
