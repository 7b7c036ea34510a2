package interop

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/bwmarrin/discordgo"
	disgo "github.com/disgoorg/disgo/gateway"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
)

// A group hands its events to the structs of other libraries: a bot can move
// its connections and keep its types.
func Example_typesOfOtherLibraries() {
	server := gatewaytest.NewServer()
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	config := sharding.Config{Total: 1, MaxConcurrency: 1}
	group, err := config.NewGroup("token", gateway.WithURL(server.DialURL),
		gateway.WithIntents(intent.GuildMessages|intent.MessageContent))
	if err != nil {
		log.Fatal(err)
	}
	sharding.Handle(group, event.MessageCreate, func(_ context.Context, _ gateway.ShardID, m *discordgo.MessageCreate) error {
		fmt.Println("discordgo:", m.Author.Username, "says", m.Content)
		return nil
	})
	sharding.Handle(group, event.MessageCreate, func(_ context.Context, _ gateway.ShardID, m *disgo.EventMessageCreate) error {
		fmt.Println("disgo:", m.Author.Username, "says", m.Content)
		stop()
		return nil
	})
	go func() {
		if _, err := server.WaitSessions(ctx, 1); err != nil {
			log.Print(err)
		}
		message := fmt.Sprintf(`{"id":"1100000000000000001","channel_id":"%d","guild_id":"%d","type":0,"content":"hello","timestamp":"2026-01-01T00:00:00Z","author":{"id":"1100000000000000002","username":"ann"}}`,
			server.Guilds()[0].TextChannel(0), server.Guilds()[0].ID)
		if _, err := server.Dispatch(event.MessageCreate, message); err != nil {
			log.Print(err)
		}
	}()
	fmt.Println(group.Run(ctx))
	// Output:
	// discordgo: ann says hello
	// disgo: ann says hello
	// context canceled
}
