package interop

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/discordpkg/gateway/voiceshard"
)

// The bots in a voice room.
var (
	foreignID, ourID = gatewaytest.BotID(0), gatewaytest.BotID(1)

	foreignToken, ourToken, otherToken = tokenOf(foreignID), tokenOf(ourID), tokenOf(gatewaytest.BotID(2))
)

// tokenOf returns a token like those of Discord, which tell the bot's id.
func tokenOf(user snowflake.ID) string {
	return base64.RawStdEncoding.EncodeToString([]byte(user.String())) + ".x.y"
}

// A voiceBot is a foreign client in voice, which writes what it hears of us
// into a diary.
type voiceBot interface {
	open(ctx context.Context) error
	// join joins a channel, and returns when audio can flow.
	join(ctx context.Context, guild, channel snowflake.ID) error
	// ready returns when audio can flow again, encrypted as the code says, which
	// is empty for not at all.
	ready(ctx context.Context, code string) error
	// say says something, and returns when all of it is on its way.
	say(ctx context.Context, frames [][]byte) error
	leave(ctx context.Context) error
	close(ctx context.Context) error
}

// A voiceRoom is a voice channel of a local Discord, with a foreign bot and
// one of ours.
type voiceRoom struct {
	t         *testing.T
	ctx       context.Context
	encrypted bool
	srv       *gatewaytest.Server
	guild     *gatewaytest.Guild
	tap       *mediaTap
	bot       voiceBot
	ears      *diary // of the foreign bot
	our       *diary
	voice     *voiceshard.Voice
	session   *voiceshard.Session
	said      int // frames, by either
}

func newVoiceRoom(t *testing.T, encrypted bool, options ...voiceserver.Option) *voiceRoom {
	r := &voiceRoom{t: t, ctx: testContext(t), encrypted: encrypted, tap: new(mediaTap), ears: newDiary(), our: newDiary()}
	r.srv = gatewaytest.NewServer(
		gatewaytest.WithToken(foreignToken, ourToken, otherToken), gatewaytest.WithIdentifyInterval(0), gatewaytest.WithGuilds(1, 5),
		gatewaytest.WithVoiceServer(append(options, voiceserver.WithRandom(r.tap))...),
	)
	t.Cleanup(r.srv.Close)
	r.guild = r.srv.Guilds()[0]
	return r
}

// enter lets our bot join the first channel.
func (r *voiceRoom) enter() {
	r.t.Helper()
	ready := make(chan struct{}, 1)
	shard, err := gatewayshard.NewShard(0, ourToken, func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		r.voice.HandleEvent(name, data)
		if name == event.Ready {
			ready <- struct{}{}
		}
	}, gateway.WithURL(r.srv.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates))
	require.NoError(r.t, err)
	r.voice, err = voiceshard.New(shard, ourID, voiceshard.WithTLS(r.srv.TLSClientConfig()), voiceshard.WithMediaDial(r.tap.dial))
	require.NoError(r.t, err)
	ctx, stop := context.WithCancel(context.Background())
	var running, listening sync.WaitGroup
	running.Go(func() { _ = shard.Run(ctx) }) // until stop
	r.t.Cleanup(func() {
		require.NoError(r.t, r.voice.Close(context.Background()))
		listening.Wait()
		stop()
		running.Wait()
	})
	select {
	case <-ready:
	case <-r.ctx.Done():
		require.NoError(r.t, context.Cause(r.ctx))
	}
	r.session, err = r.voice.Join(r.ctx, r.guild.ID, r.guild.VoiceChannel(0))
	require.NoError(r.t, err)
	listening.Go(r.listen)
	r.t.Cleanup(func() {
		if r.t.Failed() {
			r.t.Logf("session: %+v\nserver: %+v\nproblems: %q", r.session.Stats(), r.srv.Voice().Stats(), r.our.now().problems)
		}
	})
}

// listen writes down what the foreign bot says. It ends with the session.
func (r *voiceRoom) listen() {
	for {
		p, err := r.session.Receive(context.Background())
		switch {
		case err != nil:
			return
		case p.Verdict != voiceshard.OK:
			r.our.problem("%v packet %d: %v", p.Verdict, p.Sequence, p.Err)
		case p.User != foreignID && !rtp.IsSilence(p.Opus):
			r.our.problem("packet of %v", p.User)
		default:
			r.our.hear(p.Clone().Opus)
		}
	}
}

// settles waits until both bots are ready to talk, and returns the privacy code.
func (r *voiceRoom) settles() (code string) {
	r.t.Helper()
	require.NoError(r.t, r.session.Ready(r.ctx))
	r.until("to be as the others are", func() (settled bool) {
		r.session.Encryption(func(c voiceshard.FrameCryptor) {
			s := c.(*dave.Session)
			code = s.PrivacyCode()
			settled = s.Ready() && (r.encrypted && len(s.Members()) == 2 || !r.encrypted && s.Version() == 0)
		})
		return settled
	})
	require.NoError(r.t, r.bot.ready(r.ctx, code))
	return code
}

// until waits for something that nobody tells.
func (r *voiceRoom) until(what string, done func() bool) {
	r.t.Helper()
	for !done() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-r.ctx.Done():
			require.Fail(r.t, what, context.Cause(r.ctx))
		}
	}
}

// talk lets both bots speak at the same time, and checks that each hears the
// other, byte for byte.
func (r *voiceRoom) talk() {
	r.t.Helper()
	const length = 15
	their, our := r.frames(length), r.frames(length)
	heard, overheard := len(r.our.now().heard), len(r.ears.now().heard)

	r.sound()
	player, err := r.session.Play(r.ctx, &speech{our})
	require.NoError(r.t, err)
	require.NoError(r.t, r.bot.say(r.ctx, their))
	require.NoError(r.t, player.Wait(r.ctx))
	p, err := r.our.wait(r.ctx, func(p page) bool { return len(p.heard) >= heard+length })
	require.NoError(r.t, err, "we hear the foreign bot")
	require.Equal(r.t, their, p.heard[heard:])
	p, err = r.ears.wait(r.ctx, func(p page) bool { return len(p.heard) >= overheard+length })
	require.NoError(r.t, err, "the foreign bot hears us")
	require.Equal(r.t, our, p.heard[overheard:])
	r.overheard(slices.Concat(their, our))
	require.Empty(r.t, r.srv.Voice().Violations())
}

// sound says something until the foreign bot hears it. Libraries drop audio
// that overtakes the message that says whose it is, as datagrams may.
func (r *voiceRoom) sound() {
	r.t.Helper()
	before := r.ears.now().pilots
	r.until("to be heard at all", func() bool {
		_, err := r.session.Write(pilot)
		require.NoError(r.t, err)
		return r.ears.now().pilots > before
	})
}

// frames returns n new Opus packets of 20 ms.
func (r *voiceRoom) frames(n int) (list [][]byte) {
	for range n {
		r.said++
		list = append(list, fmt.Appendf([]byte{0xfc}, "this is what is said in frame %d", r.said))
	}
	return list
}

// A speech is a source of frames.
type speech struct{ rest [][]byte }

func (s *speech) ReadFrame() ([]byte, error) {
	if len(s.rest) == 0 {
		return nil, io.EOF
	}
	frame := s.rest[0]
	s.rest = s.rest[1:]
	return frame, nil
}

// overheard checks what the voice server forwarded of the frames: all, and
// readable only in a call that is not encrypted.
func (r *voiceRoom) overheard(frames [][]byte) {
	r.t.Helper()
	payloads := r.tap.drain()
	for _, frame := range frames {
		seen := slices.ContainsFunc(payloads, func(p []byte) bool { return slices.Equal(p, frame) })
		require.Equal(r.t, !r.encrypted, seen, "%q", frame)
	}
	if r.encrypted {
		protocol := slices.DeleteFunc(payloads, func(p []byte) bool {
			return len(p) < 11 || p[len(p)-2] != 0xfa || p[len(p)-1] != 0xfa
		})
		require.GreaterOrEqual(r.t, len(protocol), len(frames))
	}
}

// clean checks that nobody complained.
func (r *voiceRoom) clean() {
	r.t.Helper()
	require.Empty(r.t, r.ears.now().problems)
	require.Empty(r.t, r.our.now().problems)
	require.Empty(r.t, r.srv.Violations())
}
