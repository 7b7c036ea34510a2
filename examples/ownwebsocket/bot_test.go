package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/opcode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a bot on a local Discord until ctx ends. Seen is what it sees.
func start(ctx context.Context, discord *gatewaytest.Server) (seen chan string, ended chan error) {
	seen, ended = make(chan string, 100), make(chan error, 1)
	b := bot{
		token: "token",
		options: []gateway.Option{
			gateway.WithURL(discord.DialURL),
			gateway.WithIntents(intent.MessageContent),
			gateway.WithGuildEvents(event.MessageCreate),
		},
		handle: func(name event.Type, data gateway.RawMessage) {
			if name == event.MessageCreate {
				m, _ := gateway.Decode[struct{ Content string }](data)
				seen <- m.Content
				return
			}
			seen <- string(name)
		},
	}
	go func() { ended <- b.run(ctx) }()
	return seen, ended
}

func TestBot(t *testing.T) {
	discord := gatewaytest.NewServer()
	defer discord.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	seen, ended := start(ctx, discord)
	require.Equal(t, "READY", <-seen)

	say := func(content string) {
		_, err := discord.Dispatch(event.MessageCreate, map[string]any{"guild_id": discord.Guilds()[0].ID, "content": content})
		require.NoError(t, err)
	}
	say("hello")
	require.Equal(t, "hello", <-seen)

	// The connection breaks in the middle of a burst.
	require.NoError(t, discord.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut, After: 300}))
	for i := range 20 {
		say(strconv.Itoa(i))
	}
	for i := 0; i < 20; {
		if got := <-seen; got != "RESUMED" {
			require.Equal(t, strconv.Itoa(i), got, "no message is lost, and none comes twice")
			i++
		}
	}
	require.NoError(t, discord.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Resumes == 1 }))

	// Discord asks for a heartbeat, and for another connection.
	discord.RequestHeartbeats()
	_, err := discord.WaitCommand(ctx, opcode.Heartbeat)
	require.NoError(t, err)
	require.NoError(t, discord.Inject(gatewaytest.Fault{Kind: gatewaytest.Reconnect}))
	require.NoError(t, discord.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Resumes == 2 }))

	// The host for resuming is dead, and after that Discord loses its patience:
	// the session is tried all the same.
	require.NoError(t, discord.InjectNext(gatewaytest.Fault{Kind: gatewaytest.DeadResume}, 1))
	require.NoError(t, discord.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}))
	require.NoError(t, discord.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Resumes == 3 }))
	require.NoError(t, discord.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.SessionTimedOut}))
	require.NoError(t, discord.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Resumes == 4 && s.Identifies == 1 }))

	stop()
	require.NoError(t, <-ended)
	require.NoError(t, discord.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Open == 0 }))
	require.Len(t, discord.Sessions(), 1, "the next process may resume")
	require.Empty(t, discord.Violations())
}

func TestBotWithWrongToken(t *testing.T) {
	discord := gatewaytest.NewServer(gatewaytest.WithToken("another"))
	defer discord.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	_, ended := start(ctx, discord)
	var refused *gateway.DiscordError
	require.ErrorAs(t, <-ended, &refused)
	require.Equal(t, closecode.AuthenticationFailed, refused.CloseCode)
}
