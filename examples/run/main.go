// Run is a bot on gatewayshard, which leads the whole life of a connection.
// It prints the messages that it sees, and needs a token:
//
//	DISCORD_TOKEN=... go run ./run
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/intent"
)

// A message is what this bot wants to know of MESSAGE_CREATE: events have the
// types that their receivers give them.
type message struct {
	Content string `json:"content"`
	Author  struct {
		Username string `json:"username"`
	} `json:"author"`
}

func main() {
	url := flag.String("url", gateway.DefaultURL, "the gateway")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	err := run(ctx, os.Getenv("DISCORD_TOKEN"), *url, func(m message) {
		fmt.Printf("%s: %s\n", m.Author.Username, m.Content)
	})
	var fatal *gatewayshard.FatalError
	if errors.As(err, &fatal) {
		log.Fatal(fatal) // such as a wrong token; it says what to change
	}
	if !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

// run prints messages until ctx ends.
func run(ctx context.Context, token, url string, say func(message)) error {
	handle := func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		if name != event.MessageCreate {
			return // READY and RESUMED
		}
		m, err := gateway.Decode[message](data)
		if err != nil {
			log.Print(err)
			return
		}
		say(m)
	}
	shard, err := gatewayshard.Config{Logger: slog.Default()}.NewShard(0, token, handle,
		gateway.WithURL(url),
		gateway.WithGuildEvents(event.MessageCreate), // which tells the intents
		gateway.WithDirectMessageEvents(event.MessageCreate),
		gateway.WithIntents(intent.MessageContent),
	)
	if err != nil {
		return err
	}
	return shard.Run(ctx)
}
