package interop

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A bot is a foreign client, which writes what it sees into a diary.
type bot interface {
	// open connects for the first time.
	open(ctx context.Context) error
	// requestMembers asks for all members of a guild.
	requestMembers(ctx context.Context, guild string) error
	// idle shows the bot as idle.
	idle(ctx context.Context) error
	// close ends the session.
	close(ctx context.Context) error
}

// A life is what a foreign client has to live through.
type life struct {
	t     *testing.T
	ctx   context.Context
	wire  wire
	tap   *tap
	srv   *gatewaytest.Server
	diary *diary
	bot   bot
	said  int // messages
}

const (
	guilds  = 3
	members = 1200 // two chunks
)

// A wire is how a client must connect.
type wire struct {
	params     string // of the URL, separated by spaces
	compressed bool   // in any way
	eager      bool   // the client beats at once, and never recovers from a connection that ends before
	repeats    bool   // the client still inflates what came before a cut when it has resumed already
}

// liveThrough leads a client through a session from the first dial to a close
// of its own.
func liveThrough(t *testing.T, w wire, start func(t *testing.T, srv *gatewaytest.Server, d *diary) bot) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &life{t: t, ctx: testContext(t), tap: &tap{Listener: listener}, wire: w, diary: newDiary()}
	l.srv = gatewaytest.NewServer(
		gatewaytest.WithListener(l.tap),
		gatewaytest.WithGuilds(guilds, members),
		gatewaytest.WithIdentifyInterval(0),
	)
	t.Cleanup(l.srv.Close)
	l.bot = start(t, l.srv, l.diary)

	l.connects()
	l.receives()
	l.requestsMembers()
	l.resumesAfterCut()
	l.resumesWhenTold()
	l.beatsWhenAsked()
	l.idles()
	l.startsAnew()
	l.closes()

	l.usedWire()
	require.Empty(t, l.diary.now().problems)
	require.Empty(t, l.srv.Violations())
	require.Empty(t, l.srv.Stats().Closes, "the server had no reason to close")
}

func (l *life) connects() {
	l.t.Helper()
	require.NoError(l.t, l.bot.open(l.ctx))
	l.sees("READY and all guilds", func(p page) bool { return p.readies == 1 && len(p.guilds) == guilds })
	for _, g := range l.srv.Guilds() {
		require.Contains(l.t, l.diary.now().guilds, g.ID.String())
	}
}

// says dispatches n more messages.
func (l *life) says(n int) {
	l.t.Helper()
	g := l.srv.Guilds()[0]
	for range n {
		sessions, err := l.srv.Dispatch(event.MessageCreate, map[string]any{
			"id": g.ID + 1000 + snowflake.ID(l.said), "channel_id": g.TextChannel(0), "guild_id": g.ID, "type": 0, "content": strconv.Itoa(l.said),
			"author":    map[string]any{"id": g.Member(1), "username": "somebody", "discriminator": "0", "avatar": nil},
			"timestamp": "2026-01-02T03:04:05.678000+00:00", "edited_timestamp": nil, "tts": false, "pinned": false, "mention_everyone": false,
			"mentions": []any{}, "mention_roles": []any{}, "attachments": []any{}, "embeds": []any{}, "components": []any{}, "flags": 0,
		})
		require.NoError(l.t, err)
		require.Equal(l.t, 1, sessions)
		l.said++
	}
}

// hears waits for all messages and checks that each came once, in order.
func (l *life) hears() {
	l.t.Helper()
	l.sees("every message", func(p page) bool { return len(l.heard(p)) >= l.said })
	want := make([]string, l.said)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	require.Equal(l.t, want, l.heard(l.diary.now()))
}

// heard returns the messages, without the repetitions that the client is to blame for.
func (l *life) heard(p page) []string {
	if !l.wire.repeats {
		return p.messages
	}
	var once []string
	for _, m := range p.messages {
		if !slices.Contains(once, m) {
			once = append(once, m)
		}
	}
	return once
}

func (l *life) sees(what string, done func(page) bool) {
	l.t.Helper()
	p, err := l.diary.wait(l.ctx, func(p page) bool { return done(p) || len(p.problems) > 0 })
	require.Empty(l.t, p.problems)
	require.NoError(l.t, err, "waiting for %s; the server says %+v, violations %+v", what, l.srv.Stats(), l.srv.Violations())
}

func (l *life) receives() {
	l.t.Helper()
	l.says(20)
	l.hears()
}

// resumesAfterCut breaks the connection in the middle of a burst.
func (l *life) resumesAfterCut() {
	l.t.Helper()
	l.settles()
	require.NoError(l.t, l.srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut, After: 700}))
	l.says(50)
	l.hears()
	l.resumed(1)
	require.Positive(l.t, l.srv.Stats().Replayed)
}

func (l *life) resumesWhenTold() {
	l.t.Helper()
	l.settles()
	require.NoError(l.t, l.srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Reconnect}))
	l.resumed(2)
	l.settles()
	l.says(10)
	l.hears()
}

func (l *life) resumed(times int) {
	l.t.Helper()
	require.NoError(l.t, l.srv.Wait(l.ctx, func(s gatewaytest.Stats) bool { return s.Resumes >= times }))
	stats := l.srv.Stats()
	require.Equal(l.t, times, stats.Resumes)
	require.Equal(l.t, 1, stats.Identifies)
	require.Equal(l.t, 1, l.diary.now().readies)
}

// settles waits until a client is ready for the next blow.
func (l *life) settles() {
	l.t.Helper()
	if l.wire.eager {
		require.NoError(l.t, l.srv.Wait(l.ctx, func(s gatewaytest.Stats) bool { return s.Heartbeats >= s.Connections }))
	}
}

func (l *life) beatsWhenAsked() {
	l.t.Helper()
	before := l.srv.Stats().Heartbeats
	l.srv.RequestHeartbeats()
	require.NoError(l.t, l.srv.Wait(l.ctx, func(s gatewaytest.Stats) bool { return s.Heartbeats > before }))
}

func (l *life) requestsMembers() {
	l.t.Helper()
	require.NoError(l.t, l.bot.requestMembers(l.ctx, l.srv.Guilds()[1].ID.String()))
	l.sees("all members", func(p page) bool { return p.whole })
	require.Equal(l.t, members, l.diary.now().members)
}

func (l *life) idles() {
	l.t.Helper()
	require.NoError(l.t, l.bot.idle(l.ctx))
	presence, err := l.srv.WaitCommand(l.ctx, opcode.PresenceUpdate)
	require.NoError(l.t, err)
	require.Contains(l.t, string(presence.Data), `"idle"`)
}

// startsAnew takes the session away.
func (l *life) startsAnew() {
	l.t.Helper()
	require.NoError(l.t, l.srv.Inject(gatewaytest.Fault{Kind: gatewaytest.InvalidSession}))
	l.sees("a second READY", func(p page) bool { return p.readies == 2 })
	require.Equal(l.t, 2, l.srv.Stats().Identifies)
	l.says(5)
	l.hears()
}

func (l *life) closes() {
	l.t.Helper()
	require.NoError(l.t, l.bot.close(l.ctx))
	require.NoError(l.t, l.srv.Wait(l.ctx, func(s gatewaytest.Stats) bool { return s.Open == 0 && s.Sessions == 0 }))
}

// usedWire checks what went over the wire.
func (l *life) usedWire() {
	l.t.Helper()
	dials := 0
	for _, line := range l.tap.lines() {
		if !strings.Contains(line, "encoding=") {
			continue // an ordinary request
		}
		dials++
		for param := range strings.FieldsSeq(l.wire.params) {
			require.Contains(l.t, line, param)
		}
		require.Equal(l.t, strings.Contains(l.wire.params, "compress="), strings.Contains(line, "compress="), line)
	}
	require.GreaterOrEqual(l.t, dials, 3)

	const plain = members * 100 // bytes, less than the members alone take
	if l.wire.compressed {
		require.Less(l.t, l.srv.Stats().Bytes, plain)
	} else {
		require.Greater(l.t, l.srv.Stats().Bytes, plain)
	}
}
