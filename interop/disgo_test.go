package interop

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/disgoorg/disgo"
	disgobot "github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/gatewaytest"
)

func TestDisgo(t *testing.T) {
	t.Parallel()
	for compression, params := range map[gateway.CompressionType]string{
		gateway.CompressionNone:        "v=10 encoding=json",
		gateway.CompressionZlibPayload: "v=10 encoding=json",
		gateway.CompressionZlibStream:  "v=10 encoding=json compress=zlib-stream",
		gateway.CompressionZstdStream:  "v=10 encoding=json compress=zstd-stream",
	} {
		t.Run("compression="+compression.String(), func(t *testing.T) {
			t.Parallel()
			liveThrough(t, wire{params: params, compressed: compression != gateway.CompressionNone}, func(t *testing.T, srv *gatewaytest.Server, d *diary) bot {
				return newDisgoBot(t, srv, d, compression)
			})
		})
	}
}

type disgoBot struct {
	client *disgobot.Client
	diary  *diary
	end    func() // the library's own Close may be called once only
}

func newDisgoBot(t *testing.T, srv *gatewaytest.Server, d *diary, compression gateway.CompressionType) disgoBot {
	client, err := disgo.New(tokenOf(gatewaytest.Bot), // the library reads the bot's id in the token
		disgobot.WithLogger(slog.New(complaints{d})),
		disgobot.WithRestClientConfigOpts(rest.WithURL(srv.URL+"/api/v10")),
		disgobot.WithGatewayConfigOpts(
			gateway.WithIntents(gateway.IntentGuilds, gateway.IntentGuildMembers, gateway.IntentGuildMessages, gateway.IntentMessageContent),
			gateway.WithCompression(compression),
		),
		disgobot.WithEventListenerFunc(func(e *events.Ready) { d.ready() }),
		disgobot.WithEventListenerFunc(func(e *events.GuildReady) { d.guild(e.GuildID.String()) }),
		disgobot.WithEventListenerFunc(func(e *events.MessageCreate) { d.message(e.Message.Content) }),
	)
	require.NoError(t, err)
	end := sync.OnceFunc(func() { client.Close(context.Background()) })
	t.Cleanup(end)
	return disgoBot{client, d, end}
}

func (b disgoBot) open(ctx context.Context) error { return b.client.OpenGateway(ctx) }

func (b disgoBot) requestMembers(ctx context.Context, guild string) error {
	id, err := snowflake.Parse(guild)
	if err != nil {
		return err
	}
	found, err := b.client.MemberChunkingManager.RequestAllMembers(ctx, id)
	b.diary.chunk(1, len(found))
	return err
}

func (b disgoBot) idle(ctx context.Context) error {
	return b.client.SetPresence(ctx, gateway.WithOnlineStatus(discord.OnlineStatusIdle))
}

func (b disgoBot) close(context.Context) error {
	b.end()
	return nil
}

// Complaints are the errors that a library logs, except that connections end.
type complaints struct{ diary *diary }

func (c complaints) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError
}

func (c complaints) Handle(_ context.Context, r slog.Record) error {
	text, lost := r.Message, false
	r.Attrs(func(a slog.Attr) bool {
		err, _ := a.Value.Any().(error)
		var closed *websocket.CloseError
		lost = lost || errors.As(err, &closed)
		text += " " + a.String()
		return true
	})
	if !lost {
		c.diary.problem("%s", text)
	}
	return nil
}

func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c complaints) WithGroup(string) slog.Handler { return c }
