package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	discord := gatewaytest.NewServer()
	defer discord.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	said, ended := make(chan message, 10), make(chan error, 1)
	go func() { ended <- run(ctx, "token", discord.DialURL, func(m message) { said <- m }) }()

	hears := func(content string) {
		t.Helper()
		_, err := discord.Dispatch(event.MessageCreate, map[string]any{
			"guild_id": discord.Guilds()[0].ID, "content": content, "author": map[string]any{"username": "somebody"},
		})
		require.NoError(t, err)
		m := <-said
		require.Equal(t, content, m.Content)
		require.Equal(t, "somebody", m.Author.Username)
	}
	_, err := discord.WaitSessions(ctx, 1)
	require.NoError(t, err)
	hears("hello")
	require.NoError(t, discord.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}))
	hears("still there?") // the session is resumed
	require.Equal(t, 1, discord.Stats().Resumes)

	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestRunWithoutIntent(t *testing.T) {
	discord := gatewaytest.NewServer(gatewaytest.WithPrivilegedIntents(intent.GuildMembers))
	defer discord.Close()
	err := run(t.Context(), "token", discord.DialURL, nil)
	var fatal *gatewayshard.FatalError
	require.ErrorAs(t, err, &fatal)
	require.NotEmpty(t, fatal.Hint())
}
