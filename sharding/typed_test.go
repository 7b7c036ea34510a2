package sharding_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	types "github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
)

// TestHandlersOfStructs needs no name of an event, and no intent.
func TestHandlersOfStructs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		var kept []*types.MessageCreate
		var guilds int
		g, err := d.config().NewGroup("token")
		require.NoError(t, err)
		sharding.On(g, func(_ context.Context, shard gateway.ShardID, e *types.MessageCreate) error {
			require.Zero(t, shard)
			kept = append(kept, e)
			return nil
		})
		sharding.On(g, func(context.Context, gateway.ShardID, *types.GuildCreate) error {
			guilds++
			return nil
		})
		done := run(context.Background(), g)
		_, err = d.WaitSessions(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		for _, content := range []string{"a", "b"} {
			d.say(t, 0, content)
		}
		_, err = d.Dispatch(event.MessageCreate, `{"content":7,"guild_id":"`+d.Guilds()[0].ID.String()+`","author":{"id":"`+gatewaytest.Bot.String()+`"}}`)
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, kept, 3)
		require.Equal(t, "a", kept[0].Content, "an event may be kept")
		require.Equal(t, "b", kept[1].Content)
		require.Empty(t, kept[2].Content, "what does not fit is no error")
		require.NotZero(t, kept[2].Author.ID)
		require.NotZero(t, guilds)
		require.NoError(t, g.Close(context.Background(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
}

// TestPrivilegedIntentsAreNamed stops a group before it dials.
func TestPrivilegedIntentsAreNamed(t *testing.T) {
	prepared := func(options ...gateway.Option) *sharding.Group {
		g, err := sharding.Config{Total: 1, MaxConcurrency: 1}.NewGroup("token", options...)
		require.NoError(t, err)
		sharding.On(g, func(context.Context, gateway.ShardID, *types.PresenceUpdate) error { return nil })
		sharding.On(g, func(context.Context, gateway.ShardID, *types.GuildMemberAdd) error { return nil })
		sharding.On(g, func(context.Context, gateway.ShardID, *types.MessageCreate) error { return nil })
		return g
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var missing *sharding.IntentError
	require.ErrorAs(t, prepared().Run(ended), &missing)
	require.Equal(t, []event.Type{event.GuildMemberAdd, event.PresenceUpdate}, missing.Events)
	require.Equal(t, intent.GuildMembers|intent.GuildPresences, missing.Privileged)
	require.Equal(t, intent.GuildMessages|intent.DirectMessages, missing.Derived)
	require.ErrorContains(t, missing, "the handlers of GUILD_MEMBER_ADD, PRESENCE_UPDATE need the privileged intents")
	require.ErrorContains(t, missing, "Developer Portal")
	require.ErrorIs(t, prepared(gateway.WithIntents(intent.GuildMembers)).Run(ended), context.Canceled, "what is named is taken as it is")
}

// TestLateHandlersNeedAnIntent registers handlers while the group runs.
func TestLateHandlersNeedAnIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		g := started(t, d, d.config(), func(g *sharding.Group) {
			_, err := g.On(event.MessageCreate, func(context.Context, sharding.Event) error { return nil })
			require.NoError(t, err)
		})
		var late *sharding.LateHandlerError
		_, err := sharding.On(g, func(context.Context, gateway.ShardID, *types.TypingStart) error { return nil })
		require.ErrorAs(t, err, &late)
		require.Equal(t, sharding.LateHandlerError{Event: event.TypingStart, Intents: intent.GuildMessageTyping | intent.DirectMessageTyping}, *late)
		require.ErrorContains(t, err, "TYPING_START needs one of the intents")

		heard := 0
		remove, err := sharding.On(g, func(_ context.Context, _ gateway.ShardID, e *types.MessageCreate) error {
			heard++
			return nil
		})
		require.NoError(t, err)
		d.say(t, 0, "a")
		synctest.Wait()
		remove()
		d.say(t, 0, "b")
		synctest.Wait()
		require.Equal(t, 1, heard)
		_, err = g.On(event.Resumed, func(context.Context, sharding.Event) error { return nil })
		require.NoError(t, err, "it needs no intent")
	})
}

// TestDecodersOfTheCaller hands events to another decoder.
func TestDecodersOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t)
		c := d.config()
		var failed []error
		c.Hooks.HandlerError = func(_ sharding.Event, err error) { failed = append(failed, err) }
		var heard []string
		started(t, d, c, func(g *sharding.Group) {
			type note struct{ text string }
			unmarshal := func(data []byte, v any) error {
				text := text(data)
				if text == "bad" {
					return errEnough
				}
				v.(*note).text = text
				return nil
			}
			_, err := sharding.HandleWith(g, event.MessageCreate, unmarshal, func(_ context.Context, _ gateway.ShardID, n *note) error {
				heard = append(heard, n.text)
				return nil
			})
			require.NoError(t, err)
		})
		for _, content := range []string{"a", "bad", "c"} {
			d.say(t, 0, content)
		}
		synctest.Wait()
		require.Equal(t, []string{"a", "c"}, heard)
		require.Len(t, failed, 1)
		require.ErrorIs(t, failed[0], errEnough)
		require.ErrorContains(t, failed[0], "sharding: decode sharding_test.note")
	})
}
