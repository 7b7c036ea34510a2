package voiceshard

import (
	"context"

	"github.com/discordpkg/gateway/command"
)

// A Gateway is the way to the main gateway: one command. What comes back goes
// to [Voice.HandleEvent]. It must be safe for concurrent use. A Shard of
// package gatewayshard and a Group of package sharding are one.
type Gateway interface {
	// UpdateVoiceState sends opcode 4. It returns when the command is on its way.
	// While the main gateway is between two connections it should wait, as long
	// as ctx allows: the first error is the answer to Join.
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
