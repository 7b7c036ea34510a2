package voiceshard

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

func TestJoinSpeakLeave(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		require.Equal(t, Connected, s.Phase())
		require.NoError(t, s.Speaking(t.Context(), gateway.SpeakingMicrophone|gateway.SpeakingPriority))
		frame := opus(1)
		n, err := s.Write(frame)
		require.NoError(t, err)
		require.Equal(t, len(frame), n)
		require.Equal(t, opus(1), frame, "the frame is the caller's")
		require.NoError(t, s.StopSpeaking(t.Context()))
		sleep(0)

		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 6, "one frame, and five of silence")
		require.Equal(t, opus(1), heard[0])
		for _, frame := range heard[1:] {
			require.Equal(t, silenceFrame, frame)
		}
		require.Equal(t, headers[0].Timestamp+5*960, headers[5].Timestamp)
		require.Equal(t, headers[0].Sequence+5, headers[5].Sequence)
		require.Equal(t, []string{`{"speaking":5,"delay":0,"ssrc":1001}`, `{"speaking":0,"delay":0,"ssrc":1001}`}, d.server(theHost).last().all(opcode.VoiceSpeaking))

		require.NoError(t, s.Leave(t.Context()))
		require.ErrorIs(t, s.Err(), ErrLeft)
		require.Equal(t, Ended, s.Phase())
		require.Nil(t, d.voice.Session(guild))
		require.Equal(t, []command.VoiceState{{GuildID: guild, ChannelID: lobby}, {GuildID: guild}}, d.sent())
		_, err = s.Write(opus(2))
		require.ErrorIs(t, err, ErrLeft)
		require.ErrorIs(t, s.Speaking(t.Context(), 1), ErrLeft)
		require.ErrorIs(t, s.Ready(t.Context()), ErrLeft)
		_, err = s.Receive(t.Context())
		require.ErrorIs(t, err, ErrLeft)
		require.NoError(t, s.Leave(t.Context()), "twice is fine")
	})
}

// disgo #580: VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE come in either order.
func TestJoinEitherOrder(t *testing.T) {
	for _, stateFirst := range []bool{true, false} {
		run(t, func(t *testing.T, d *discord) {
			d.onCommand(func(v command.VoiceState) {
				go func() {
					if !stateFirst {
						d.named(theHost, "token")
						time.Sleep(3 * time.Second)
					}
					d.state(v.ChannelID, "session")
					if stateFirst {
						time.Sleep(3 * time.Second)
						d.named(theHost, "token")
					}
				}()
			})
			d.join()
			require.Contains(t, d.server(theHost).last().all(opcode.VoiceIdentify)[0], `"session_id":"session","token":"token"`)
		})
	}
}

// An endpoint of null means that there will be another one.
func TestJoinWaitsForAnEndpoint(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.onCommand(func(v command.VoiceState) {
			go func() {
				d.state(v.ChannelID, "session")
				d.named("", "token")
				time.Sleep(40 * time.Second)
				d.named(theHost, "token")
			}()
		})
		start := time.Now()
		d.join()
		require.Equal(t, 40*time.Second, time.Since(start))
	})
}

func TestJoinWithoutServer(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.onCommand(func(v command.VoiceState) {
			d.state(v.ChannelID, "session")
			d.named("", "token")
		})
		_, err := d.voice.Join(t.Context(), guild, lobby)
		require.ErrorIs(t, err, ErrNoServer)
	})
}

// A missing permission is answered with nothing at all.
func TestJoinWithoutAnswer(t *testing.T) {
	for _, c := range []struct {
		state, server bool
		text          string
	}{
		{false, false, "may the bot view and connect"},
		{true, false, "came without VOICE_SERVER_UPDATE"},
		{false, true, "intent GUILD_VOICE_STATES"},
	} {
		run(t, func(t *testing.T, d *discord) {
			d.onCommand(func(v command.VoiceState) {
				if c.state && v.ChannelID != 0 {
					d.state(v.ChannelID, "session")
				}
				if c.server {
					d.named(theHost, "token")
				}
			})
			start := time.Now()
			_, err := d.voice.Join(t.Context(), guild, lobby)
			var silence *NoAnswerError
			require.ErrorAs(t, err, &silence)
			require.Equal(t, NoAnswerError{State: c.state, Server: c.server}, *silence)
			require.ErrorContains(t, err, c.text)
			require.Equal(t, lifecycle.VoiceAnswerTime, time.Since(start))
			sleep(0)
			require.Zero(t, d.sent()[len(d.sent())-1].ChannelID, "the bot leaves again")
		})
	}
}

// A process that crashed may have left the bot in the channel: Discord then
// says nothing about a voice server, until the bot leaves and joins.
func TestJoinWhereTheBotIsAlready(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		inside := true
		d.onCommand(func(v command.VoiceState) {
			if inside && v.ChannelID != 0 {
				d.state(v.ChannelID, "old")
				return
			}
			inside = false
			d.introduce(v)
		})
		s := d.join()
		require.NoError(t, s.Err())
		require.Len(t, d.sent(), 3)
	})
}

func TestJoinCanceled(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.onCommand(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := d.voice.Join(ctx, guild, lobby)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		sleep(0)
		require.Nil(t, d.voice.Session(guild))
		require.Equal(t, []command.VoiceState{{GuildID: guild, ChannelID: lobby}, {GuildID: guild}}, d.sent())
		d.onCommand(d.introduce)
		d.join() // nothing is left of the first attempt
	})
}

// Leaving is answered late, when the bot is joining again.
func TestJoinRightAfterLeave(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.onCommand(func(v command.VoiceState) {
			go func() {
				time.Sleep(time.Second)
				if v.ChannelID != 0 {
					time.Sleep(time.Second)
				}
				d.introduce(v)
			}()
		})
		require.NoError(t, s.Leave(t.Context()))
		again := d.join()
		require.NotSame(t, s, again)
		require.NoError(t, again.Err())

		go func() { _ = again.Leave(context.Background()) }()
		sleep(0)
		third := d.join()
		require.NotSame(t, again, third)
		require.NoError(t, third.Err())
	})
}

// The main gateway is slow to take the command to leave: joining waits for it,
// or the bot would be out in the end. Leave does not wait for ever.
func TestJoinWhileLeaving(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.onCommand(func(v command.VoiceState) {
			if v.ChannelID == 0 {
				time.Sleep(2 * time.Second)
			}
			d.introduce(v)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Leave(ctx), context.DeadlineExceeded)
		again := d.join()
		require.NotSame(t, s, again)
		require.ErrorIs(t, s.Err(), ErrLeft)
		require.Equal(t, []snowflake.ID{lobby, 0, lobby}, []snowflake.ID{d.sent()[0].ChannelID, d.sent()[1].ChannelID, d.sent()[2].ChannelID})
	})
}

func TestSetSelf(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.onCommand(func(v command.VoiceState) { d.state(v.ChannelID, "session-1") })
		require.NoError(t, s.SetSelf(t.Context(), true, false))
		require.Equal(t, command.VoiceState{GuildID: guild, ChannelID: lobby, SelfMute: true}, d.sent()[1])
		sleep(time.Minute)
		require.Equal(t, 1, d.server(theHost).count())
		require.NoError(t, s.Leave(t.Context()))
		require.ErrorIs(t, s.SetSelf(t.Context(), false, false), ErrLeft)
	})
}

func TestJoinThroughABrokenGateway(t *testing.T) {
	broken := errors.New("not connected")
	v, err := New(GatewayFunc(func(context.Context, command.VoiceState) error { return broken }), bot)
	require.NoError(t, err)
	_, err = v.Join(t.Context(), guild, lobby)
	require.ErrorIs(t, err, broken)
	require.NoError(t, v.Close(t.Context()), "there is nothing to leave")
}

func TestJoinOfNothing(t *testing.T) {
	v, err := New(GatewayFunc(func(context.Context, command.VoiceState) error { return nil }), 0)
	require.NoError(t, err)
	soon, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	_, err = v.Join(soon, guild, lobby)
	require.ErrorIs(t, err, errNoUser)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = v.Join(t.Context(), 0, lobby)
	require.Error(t, err)
	_, err = v.Join(t.Context(), guild, 0)
	require.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = v.Join(ctx, guild, lobby)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, v.Close(t.Context()))
	_, err = v.Join(t.Context(), guild, lobby)
	require.ErrorIs(t, err, ErrClosed)
}

// READY tells who the bot is.
func TestUserOfReady(t *testing.T) {
	v, err := New(GatewayFunc(nil), 0)
	require.NoError(t, err)
	v.HandleEvent(event.Ready, []byte(`{"user":{"id":"104694319306248192"},"guilds":[{"id":"1"}]}`))
	user, _ := v.self()
	require.Equal(t, bot, user)
	v.HandleEvent(event.Ready, []byte(`{`))
	v.HandleEvent(event.VoiceStateUpdate, []byte(`{"user_id":"104694319306248192"`))
	v.HandleEvent(event.VoiceServerUpdate, []byte(`[]`))
	v.HandleEvent("GUILD_CREATE", nil)
	require.Empty(t, v.Sessions())
}

// Refusals end the attempt at once, and say what to change.
func TestJoinRefused(t *testing.T) {
	for code, text := range map[closecode.Voice]string{
		closecode.VoiceAuthenticationFailed:  "4004",
		closecode.VoiceUnknownProtocol:       "4012",
		closecode.VoiceUnknownEncryptionMode: "4016",
		closecode.VoiceE2EERequired:          "see WithE2EE",
		closecode.VoiceRateLimited:           "4021",
	} {
		run(t, func(t *testing.T, d *discord) {
			d.server(theHost).onMessage(func(c *client, m gateway.VoiceMessage) { c.close(int(code)) })
			_, err := d.voice.Join(t.Context(), guild, lobby)
			var refusal *gateway.VoiceError
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, code, refusal.CloseCode)
			require.ErrorContains(t, err, text)
			sleep(0)
			require.Equal(t, 1, d.server(theHost).count())
			require.Zero(t, d.sent()[len(d.sent())-1].ChannelID, "the bot does not stay in the channel")
		})
	}
}

func TestJoinWithoutCommonMode(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.server(theHost).onMessage(func(c *client, m gateway.VoiceMessage) {
			c.send(opcode.VoiceReady, `{"ssrc":1,"ip":"192.0.2.1","port":5,"modes":["xsalsa20_poly1305"]}`)
		})
		_, err := d.voice.Join(t.Context(), guild, lobby)
		require.ErrorIs(t, err, rtp.ErrNoMode)
		require.ErrorContains(t, err, "xsalsa20_poly1305")
	})
}

// Datagrams that get lost are asked for again; if all are, the text says UDP.
func TestJoinWithoutUDP(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.server(theHost).deaf = true
		start := time.Now()
		_, err := d.voice.Join(t.Context(), guild, lobby)
		require.LessOrEqual(t, time.Since(start), 20*time.Second)
		require.ErrorIs(t, err, rtp.ErrDiscoveryTimeout)
		require.ErrorContains(t, err, "UDP")
		require.Equal(t, 2, d.server(theHost).count(), "once more, datagrams get lost")
	})
}

func TestJoinManyGuilds(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		for n := range 3 {
			d.onCommand(func(v command.VoiceState) {
				if v.ChannelID == 0 {
					return
				}
				d.voice.HandleEvent(event.VoiceStateUpdate, []byte(`{"guild_id":"`+v.GuildID.String()+`","user_id":"104694319306248192","channel_id":"9","session_id":"s"}`))
				d.voice.HandleEvent(event.VoiceServerUpdate, []byte(`{"guild_id":"`+v.GuildID.String()+`","endpoint":"ws://`+theHost+`","token":"t"}`))
			})
			s, err := d.voice.Join(t.Context(), snowflake.ID(n+1), 9, SelfDeaf(), SelfMute())
			require.NoError(t, err)
			require.Equal(t, snowflake.ID(n+1), s.Guild())
			require.Equal(t, snowflake.ID(9), s.Channel())
		}
		require.Len(t, d.voice.Sessions(), 3)
		require.True(t, d.sent()[0].SelfDeaf && d.sent()[0].SelfMute)
		require.Contains(t, d.voice.Session(2).String(), "channel 9 of guild 2, connected")
		require.Equal(t, d.voice.Session(2).String(), d.voice.Session(2).GoString())
	})
}

// A voice server that does not say Hello, or stops halfway, is left.
func TestHandshakeDeadline(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		serve := d.server(theHost).serve
		d.server(theHost).onMessage(func(c *client, m gateway.VoiceMessage) {
			if m.Op != opcode.VoiceSelectProtocol || d.server(theHost).count() > 1 {
				serve(c, m)
			}
		})
		start := time.Now()
		d.join()
		require.Equal(t, 2, d.server(theHost).count())
		require.GreaterOrEqual(t, time.Since(start), defaultHandshake)
	})
}

// knowing is a main gateway that knows who the bot is, after a while.
type knowing struct {
	Gateway
	user snowflake.ID
}

func (k *knowing) UserID() snowflake.ID { return k.user }

// After a restart the session of the main gateway is resumed: READY does not
// come again, but the gateway knows the bot. Join waits for that.
func TestJoinAfterAResumedRestart(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		k := &knowing{Gateway: d.voice.gw}
		var err error
		d.voice, err = New(k, 0, set(func(c *config) { *c = d.voice.config }))
		require.NoError(t, err)
		joined := make(chan error, 1)
		go func() {
			_, err := d.voice.Join(t.Context(), guild, lobby)
			joined <- err
		}()
		sleep(time.Minute)
		require.Empty(t, d.sent())
		k.user = bot
		d.voice.HandleEvent(event.Resumed, nil)
		require.NoError(t, <-joined)
	})
}

// The main gateway may take its time: the first command has no limit but that
// of Join.
func TestJoinWaitsForTheGateway(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		update := d.voice.gw
		d.voice.gw = GatewayFunc(func(ctx context.Context, v command.VoiceState) error {
			if v.ChannelID != 0 {
				select {
				case <-time.After(10 * time.Minute):
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return update.UpdateVoiceState(ctx, v)
		})
		start := time.Now()
		d.join()
		require.Equal(t, 10*time.Minute, time.Since(start))
	})
}

// A certificate that is not trusted is not tried again: the text says what to do.
func TestJoinCertificateRefused(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		refused := &tls.CertificateVerificationError{Err: errors.New("signed by unknown authority")}
		d.onDial(func(string) error { return refused })
		_, err := d.voice.Join(t.Context(), guild, lobby)
		require.ErrorIs(t, err, refused)
		require.ErrorContains(t, err, "SSL_CERT_FILE")
		d.onDial(nil)
		s := d.join()
		d.onDial(func(string) error { return refused })
		d.server(theHost).last().close(4015)
		sleep(time.Second)
		require.NoError(t, s.Err(), "a session that had audio asks for another server")
		d.onDial(nil)
		require.NoError(t, s.Ready(t.Context()))
	})
}
