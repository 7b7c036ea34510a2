package interop

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/gatewaytest"
)

func TestDiscordgo(t *testing.T) {
	t.Parallel()
	// The library has one logger for all sessions.
	log := newDiary()
	discordgo.Logger = func(_, _ int, format string, args ...any) {
		if strings.Contains(format, "unmarshalling") || strings.Contains(format, "decoding") {
			log.problem(format, args...)
		}
	}
	t.Cleanup(func() { require.Empty(t, log.now().problems) })

	for _, compress := range []bool{false, true} {
		t.Run(fmt.Sprintf("compress=%t", compress), func(t *testing.T) {
			t.Parallel()
			liveThrough(t, wire{params: "v=9 encoding=json", compressed: compress, eager: true}, func(t *testing.T, srv *gatewaytest.Server, d *diary) bot {
				return newDiscordgoBot(t, srv, d, compress)
			})
		})
	}
}

type discordgoBot struct{ session *discordgo.Session }

func newDiscordgoBot(t *testing.T, srv *gatewaytest.Server, d *diary, compress bool) discordgoBot {
	s, err := discordgo.New("Bot token")
	require.NoError(t, err)
	to, err := url.Parse(srv.URL)
	require.NoError(t, err)
	s.Client = &http.Client{Transport: redirect{to}}
	s.LogLevel = discordgo.LogError
	s.Compress = compress
	s.SyncEvents = true // otherwise order is lost
	s.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMembers | discordgo.IntentsGuildMessages | discordgo.IntentsMessageContent

	s.AddHandler(func(_ *discordgo.Session, r *discordgo.Ready) {
		if r.User.ID != gatewaytest.Bot.String() || len(r.Guilds) != guilds {
			d.problem("ready: %+v", r)
		}
		d.ready()
	})
	s.AddHandler(func(s *discordgo.Session, g *discordgo.GuildCreate) {
		if state, err := s.State.Guild(g.ID); err != nil || len(state.Channels) == 0 || len(state.Roles) == 0 {
			d.problem("guild: %+v, %v", g, err)
		}
		d.guild(g.ID)
	})
	s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { d.message(m.Content) })
	s.AddHandler(func(_ *discordgo.Session, c *discordgo.GuildMembersChunk) {
		d.chunk(c.ChunkCount, len(c.Members))
	})
	return discordgoBot{s}
}

func (b discordgoBot) open(context.Context) error { return b.session.Open() }

func (b discordgoBot) requestMembers(_ context.Context, guild string) error {
	return b.session.RequestGuildMembers(guild, "", 0, "nonce", false)
}

func (b discordgoBot) idle(context.Context) error {
	return b.session.UpdateStatusComplex(discordgo.UpdateStatusData{Status: "idle"})
}

func (b discordgoBot) close(context.Context) error {
	b.session.ShouldReconnectOnError = false // else it may take the end for an accident
	return b.session.Close()
}

// A redirect sends the requests for the library's built-in addresses to a
// server of ours.
type redirect struct{ to *url.URL }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = r.to.Scheme, r.to.Host, ""
	return http.DefaultTransport.RoundTrip(req)
}
