package sharding

import (
	"context"
	"fmt"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// A typedEvent is a pointer to a struct that knows which event it is and reads its
// data, as those of the package discord are. This package does not need to know them.
type typedEvent[T any] interface {
	*T
	EventType() event.Type
	DecodeJSON(data []byte) error
}

// On registers a handler that receives one kind of event as one of the structs of
// the package discord, which says what kind. See [Group.On] for the rest.
//
//	sharding.On(group, func(ctx context.Context, shard gateway.ShardID, e *discord.MessageCreate) error {
//
// The event shares no memory with the shard and may be kept. Data that is no JSON is
// an error, reported like those of the handler. Intents follow from the handlers that
// are registered before [Group.Run], see there.
func On[E typedEvent[T], T any](g *Group, f func(ctx context.Context, shard gateway.ShardID, e E) error) (remove func(), err error) {
	name := E(new(T)).EventType()
	return g.On(name, func(ctx context.Context, raw Event) error {
		e := E(new(T))
		if err := e.DecodeJSON(raw.Data); err != nil {
			return fmt.Errorf("sharding: decode %s: %w", name, err)
		}
		return f(ctx, raw.Shard, e)
	})
}

// HandleWith is [Handle] with a decoder of the caller's choice instead of
// encoding/json: the Unmarshal of goccy/go-json or of bytedance/sonic, or a function
// that calls that of encoding/json/v2. The value must not keep data, unless it is copied.
//
//	sharding.HandleWith(group, event.MessageCreate, json.Unmarshal, func(ctx context.Context, shard gateway.ShardID, m *message) error {
func HandleWith[T any](g *Group, name event.Type, unmarshal func(data []byte, v any) error, f func(ctx context.Context, shard gateway.ShardID, v *T) error) (remove func(), err error) {
	return g.On(name, func(ctx context.Context, e Event) error {
		v := new(T)
		if err := unmarshal(e.Data, v); err != nil {
			return fmt.Errorf("sharding: decode %T: %w", *v, err)
		}
		return f(ctx, e.Shard, v)
	})
}
