package voiceshard

import (
	"context"

	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/gatewayshard"
)

// A Gateway is the way to the main gateway: one command. What comes back goes
// to [Voice.HandleEvent]. It must be safe for concurrent use.
type Gateway interface {
	// UpdateVoiceState sends opcode 4. It returns when the command is on its way.
	//
	// https://discord.com/developers/docs/events/gateway-events#update-voice-state
	UpdateVoiceState(ctx context.Context, v command.VoiceState) error
}

// GatewayFunc is a function as a [Gateway].
type GatewayFunc func(ctx context.Context, v command.VoiceState) error

// UpdateVoiceState calls f.
func (f GatewayFunc) UpdateVoiceState(ctx context.Context, v command.VoiceState) error {
	return f(ctx, v)
}

// ForShard returns the gateway of a bot with one shard. The handler of the
// shard must pass its events to [Voice.HandleEvent].
func ForShard(shard *gatewayshard.Shard) Gateway {
	return GatewayFunc(func(ctx context.Context, v command.VoiceState) error {
		return shard.Send(ctx, v)
	})
}

// ForGroup returns the gateway of a bot with many shards: each command goes to
// the shard of its guild. The error is [ErrNoShard] if the group has none.
func ForGroup(group *gatewayshard.Group) Gateway {
	return GatewayFunc(func(ctx context.Context, v command.VoiceState) error {
		shard := group.ShardOf(uint64(v.GuildID))
		if shard == nil {
			return ErrNoShard
		}
		return shard.Send(ctx, v)
	})
}
