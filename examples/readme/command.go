package readme

import (
	"context"
	"fmt"

	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/snowflake"
)

// send sends commands.
func send(ctx context.Context, shard *gatewayshard.Shard, guild snowflake.ID) error {
	if err := shard.SetPresence(ctx, command.Presence{Status: command.StatusIdle}); err != nil {
		return err
	}
	raw := fmt.Appendf(nil, `{"guild_id":"%v","limit":0,"query":""}`, guild)
	if err := shard.Write(ctx, command.RequestGuildMembers, raw); err != nil {
		return err
	}
	for chunk, err := range shard.RequestGuildMembers(ctx, command.GuildMembersRequest{GuildID: guild}) {
		if err != nil {
			return err
		}
		fmt.Println(len(chunk.Members), "members")
	}
	return nil
}
