package readme

import (
	"context"
	"fmt"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
)

// fleet runs all shards of a bot.
func fleet(ctx context.Context, config sharding.Config, token, directory string, options ...gateway.Option) error {
	store, err := sharding.NewFileStore(directory) // the next process resumes
	if err != nil {
		return err
	}
	config.Store = store
	group, err := config.NewGroup(token, append(options, gateway.WithIntents(intent.MessageContent))...)
	if err != nil {
		return err
	}
	sharding.On(group, func(ctx context.Context, shard gateway.ShardID, e *discord.MessageCreate) error {
		fmt.Printf("shard %d: %s: %s\n", shard, e.Author.Username, e.Content)
		return nil
	})
	return group.Run(ctx)
}
