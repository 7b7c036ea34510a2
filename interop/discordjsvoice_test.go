package interop

import (
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
)

// A client of discord.js talks with one of ours, through everything that can
// happen to a call.
func TestDiscordJSVoice(t *testing.T) {
	t.Parallel()
	r := newVoiceRoom(t, true, voiceserver.WithE2EERequired())
	r.bot = newDiscordJSVoice(r)
	r.enter()
	_, err := r.session.Write(pilot)
	require.NoError(t, err)
	r.joins() // and is told who speaks already
	first := r.settles()
	r.talk()

	// Half of the packets are padded.
	r.srv.Voice().Faults().SetNetwork(voiceserver.Network{Padding: 0.5})
	r.talk()
	require.NotZero(t, r.srv.Voice().Stats().Relay.Padded)
	r.srv.Voice().Faults().SetNetwork(voiceserver.Network{})

	// Both lose their connections to the voice server, and resume.
	r.srv.Voice().Faults().Cut(0)
	r.until("two resumes", func() bool { return r.srv.Voice().Stats().Resumes == 2 })
	require.Equal(t, first, r.settles(), "the same group")
	r.talk()

	// The voice server moves.
	require.NoError(t, r.srv.MoveVoice())
	r.until("two clients", func() bool { return r.srv.Voice().Stats().Identifies == 2 })
	second := r.settles()
	require.NotEqual(t, first, second, "another group")
	r.talk()

	// A moderator moves the bots to another channel, one by one.
	for _, user := range []snowflake.ID{foreignID, ourID} {
		require.NoError(t, r.srv.MoveMember(r.guild.ID, user, r.guild.VoiceChannel(1)))
	}
	r.until("two moves", func() bool { return r.srv.Voice().Stats().Identifies == 4 })
	require.NotEqual(t, second, r.settles())
	r.talk()

	// The foreign bot leaves and comes back.
	require.NoError(t, r.bot.leave(r.ctx))
	r.until("to be alone", func() bool {
		return len(r.session.Users()) == 0 && len(r.srv.Voice().Members(r.guild.VoiceChannel(1))) == 1
	})
	require.NoError(t, r.bot.join(r.ctx, r.guild.ID, r.guild.VoiceChannel(1)))
	r.settles()
	r.talk()

	require.NoError(t, r.session.Leave(r.ctx))
	require.NoError(t, r.bot.leave(r.ctx))
	require.NoError(t, r.bot.close(r.ctx))
	r.clean()
}

// In a call that is not encrypted end to end the voice server hears all.
func TestDiscordJSVoiceInClear(t *testing.T) {
	t.Parallel()
	r := newVoiceRoom(t, false, voiceserver.WithoutE2EE())
	r.bot = newDiscordJSVoice(r)
	require.NoError(t, r.bot.open(r.ctx))
	require.NoError(t, r.bot.join(r.ctx, r.guild.ID, r.guild.VoiceChannel(0)))
	r.enter()
	r.settles()
	r.talk()
	require.NoError(t, r.bot.leave(r.ctx))
	require.NoError(t, r.bot.close(r.ctx))
	r.clean()
}

// While somebody is there who cannot encrypt, nobody does.
func TestVoiceDowngrade(t *testing.T) {
	t.Parallel()
	r := newVoiceRoom(t, true)
	r.bot = newDiscordJSVoice(r)
	r.enter()
	r.joins()
	first := r.settles()
	r.talk()

	ears := newDiary()
	third := newDisgoVoice(r, otherToken, ears)
	require.NoError(t, third.open(r.ctx))
	require.NoError(t, third.join(r.ctx, r.guild.ID, r.guild.VoiceChannel(0)))
	r.encrypted = false
	r.settles()
	r.talk()
	require.NotEmpty(t, ears.now().heard)

	require.NoError(t, third.leave(r.ctx))
	require.NoError(t, third.close(r.ctx))
	r.encrypted = true
	require.NotEqual(t, first, r.settles())
	r.talk()
	require.NoError(t, r.bot.leave(r.ctx))
	require.NoError(t, r.bot.close(r.ctx))
	require.Empty(t, ears.now().problems)
	r.clean()
}

// joins lets the foreign bot connect and join the first channel.
func (r *voiceRoom) joins() {
	r.t.Helper()
	require.NoError(r.t, r.bot.open(r.ctx))
	require.NoError(r.t, r.bot.join(r.ctx, r.guild.ID, r.guild.VoiceChannel(0)))
}

type discordJSVoice struct{ *nodeBot }

func newDiscordJSVoice(r *voiceRoom) discordJSVoice {
	trusted := filepath.Join(r.t.TempDir(), "server.crt")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.srv.Certificate().Raw})
	require.NoError(r.t, os.WriteFile(trusted, certificate, 0o600))
	options := fmt.Sprintf(`{"token":%q,"encrypted":%t}`, foreignToken, r.encrypted)
	return discordJSVoice{startNodeBot(r.t, r.ears, []string{"NODE_EXTRA_CA_CERTS=" + trusted}, "discordjsvoice.mjs", r.srv.URL, options)}
}

func (b discordJSVoice) join(ctx context.Context, guild, channel snowflake.ID) error {
	if err := b.orderWith(ctx, map[string]any{"order": "join", "guild": guild, "channel": channel}); err != nil {
		return err
	}
	return b.orderWith(ctx, map[string]any{"order": "listen", "user": ourID})
}

func (b discordJSVoice) ready(ctx context.Context, code string) error {
	return b.orderWith(ctx, map[string]any{"order": "ready", "code": code})
}

func (b discordJSVoice) say(ctx context.Context, frames [][]byte) error {
	return b.orderWith(ctx, map[string]any{"order": "say", "frames": frames})
}

func (b discordJSVoice) leave(ctx context.Context) error {
	return b.order(ctx, "leave", "")
}
