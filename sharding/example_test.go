package sharding_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// A group asks Discord how many shards it should run, and resumes the sessions
// of the process before it.
func ExampleGroup() {
	server := gatewaytest.NewServer(gatewaytest.WithShards(2), gatewaytest.WithMaxConcurrency(2)) // a local Discord
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sharding.NewFileStore(dir)
	if err != nil {
		log.Fatal(err)
	}
	group, err := sharding.Config{
		Store:     store,
		Discovery: sharding.Discovery{API: server.URL + "/api/v10"}, // leave it out for Discord's
	}.NewGroup("token", gateway.WithGuildEvents(event.MessageCreate))
	if err != nil {
		log.Fatal(err)
	}

	// Any type with the fields of interest will do.
	type message struct {
		GuildID string `json:"guild_id"`
		Author  struct {
			Username string `json:"username"`
		} `json:"author"`
	}
	sharding.Handle(group, event.MessageCreate, func(ctx context.Context, shard gateway.ShardID, m *message) error {
		fmt.Println("a message in a guild:", m.GuildID != "")
		stop()
		return nil
	})

	go func() {
		if _, err := server.WaitSessions(ctx, 2); err == nil {
			guild := server.Guilds()[0]
			_, _ = server.Dispatch(event.MessageCreate, fmt.Sprintf(`{"guild_id":"%d","author":{"username":"x"}}`, guild.ID))
		}
	}()
	fmt.Println(group.Run(ctx))
	// Output:
	// a message in a guild: true
	// context canceled
}

// The loop is the alternative to handlers.
func ExampleGroup_Events() {
	server := gatewaytest.NewServer()
	defer server.Close()
	group, err := sharding.Config{
		Discovery: sharding.Discovery{API: server.URL + "/api/v10"},
	}.NewGroup("token", gateway.WithGuildEvents(event.GuildCreate))
	if err != nil {
		log.Fatal(err)
	}
	guilds := 0
	for e, err := range group.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Name == event.GuildCreate {
			if guilds++; guilds == len(server.Guilds()) {
				break // closes the connections and keeps the sessions
			}
		}
	}
	fmt.Println(guilds, "guilds")
	// Output:
	// 3 guilds
}
