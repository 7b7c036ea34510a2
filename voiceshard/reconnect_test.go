package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// speak makes the session say something, so that there is a state to carry over.
func speak(t *testing.T, s *Session) {
	t.Helper()
	require.NoError(t, s.Speaking(t.Context(), gateway.SpeakingSoundshare))
	for n := range 3 {
		_, err := s.Write(opus(n))
		require.NoError(t, err)
	}
	sleep(0)
}

// goesOn wants audio to flow, numbered as if nothing had happened, and the
// speaking flags told to the last connection.
func goesOn(t *testing.T, d *discord, s *Session, on *server) {
	t.Helper()
	_, before := d.server(theHost).audio()
	old := before[len(before)-1]
	require.NoError(t, s.Ready(t.Context()))
	sleep(0)
	_, err := s.Write(opus(99))
	require.NoError(t, err)
	sleep(0)
	heard, headers := on.audio()
	require.Equal(t, opus(99), heard[len(heard)-1])
	last := headers[len(headers)-1]
	require.Equal(t, old.Sequence+1, last.Sequence, "the sequence goes on")
	require.GreaterOrEqual(t, last.Timestamp-old.Timestamp, uint32(960), "the timestamp goes on")
	require.Less(t, last.Timestamp-old.Timestamp, uint32(60*48000))
	require.Equal(t, []string{fmt.Sprintf(`{"speaking":2,"delay":0,"ssrc":%d}`, last.SSRC)}, on.last().all(opcode.VoiceSpeaking), "speaking flags are told again")
}

// A server that crashed, codes below 4000 and a broken network are resumed:
// the session of the main gateway is not touched.
func TestResume(t *testing.T) {
	for _, code := range []int{4015, 1001, 1006, 1012, 0} {
		run(t, func(t *testing.T, d *discord) {
			s := d.join()
			speak(t, s)
			host := d.server(theHost)
			host.last().number(opcode.VoiceClientsConnect, `{"user_ids":["1"]}`)
			sleep(0)
			host.last().close(code)
			sleep(time.Second)
			require.Equal(t, 2, host.count())
			require.Equal(t, []string{`{"server_id":"41771983423143937","session_id":"session-1","token":"token-1","seq_ack":0}`}, host.last().all(opcode.VoiceResume))
			require.Len(t, d.sent(), 1)
			goesOn(t, d, s, host)
			st := s.Stats()
			require.Equal(t, uint64(1), st.Resumes)
			require.Equal(t, uint64(2), st.Connects)
			require.Equal(t, []snowflake.ID{1}, s.Users(), "who is there is still known")
		})
	}
}

// discord.js drops audio between Resuming and Resumed; it has nothing to do
// with the websocket.
func TestAudioFlowsWithoutWebsocket(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		speak(t, s)
		d.onDial(func(string) error { return errors.New("network is unreachable") })
		d.server(theHost).last().close(0)
		sleep(0)
		require.Equal(t, Resuming, s.Phase())
		require.NoError(t, s.Ready(t.Context()))
		_, err := s.Write(opus(7))
		require.NoError(t, err)
		sleep(0)
		heard, _ := d.server(theHost).audio()
		require.Equal(t, opus(7), heard[3])
	})
}

// 4006, 4009 and codes nobody knows: leave and join, with new numbers.
func TestNewSession(t *testing.T) {
	for _, code := range []int{4006, 4009, 4001, 4020, 4999} {
		run(t, func(t *testing.T, d *discord) {
			s := d.join()
			speak(t, s)
			d.server(theHost).last().close(code)
			sleep(time.Second)
			require.Equal(t, []command.VoiceState{{GuildID: guild, ChannelID: lobby}, {GuildID: guild}, {GuildID: guild, ChannelID: lobby}}, d.sent())
			require.Contains(t, d.server(theHost).last().all(opcode.VoiceIdentify)[0], `"session_id":"session-3","token":"token-3"`)
			require.Empty(t, d.server(theHost).last().all(opcode.VoiceResume))
			goesOn(t, d, s, d.server(theHost))
			require.Same(t, s, d.voice.Session(guild))
		})
	}
}

// A resume that is refused begins a new session.
func TestResumeRefused(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		host := d.server(theHost)
		host.onMessage(func(c *client, m gateway.VoiceMessage) {
			if m.Op == opcode.VoiceResume {
				c.close(4006)
				return
			}
			host.serve(c, m)
		})
		host.last().close(4015)
		sleep(3 * time.Second)
		require.NoError(t, s.Ready(t.Context()))
		require.Equal(t, 3, host.count())
		require.Len(t, d.sent(), 3)
	})
}

// A server that cannot be reached any more is not asked for ever: the main
// gateway knows another one.
func TestUnreachableServerIsReplaced(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.server("other.example:1")
		d.onDial(func(endpoint string) error {
			if endpoint == theHost {
				return errors.New("connection refused")
			}
			return nil
		})
		d.onCommand(func(v command.VoiceState) {
			if v.ChannelID != 0 {
				d.state(v.ChannelID, "new")
				d.named("other.example:1", "new")
			}
		})
		d.server(theHost).last().close(4015)
		sleep(10 * time.Second)
		require.NoError(t, s.Err())
		require.Equal(t, Connected, s.Phase())
		require.Equal(t, 1, d.server("other.example:1").count())
	})
}

func TestGiveUp(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		broken := errors.New("no route to host")
		d.onDial(func(string) error { return broken })
		d.server(theHost).last().close(0)
		<-s.Done()
		require.ErrorIs(t, s.Err(), ErrUnreachable)
		require.ErrorIs(t, s.Err(), broken)
		require.Zero(t, d.sent()[len(d.sent())-1].ChannelID, "the bot does not stay in the channel")
	})
}

// The main gateway may be away at the same time; the voice waits for it.
func TestMainGatewayAway(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		broken := errors.New("not connected")
		away := false
		update := d.voice.gw
		d.voice.gw = GatewayFunc(func(ctx context.Context, v command.VoiceState) error {
			if away {
				return broken
			}
			return update.UpdateVoiceState(ctx, v)
		})
		s := d.join()
		away = true
		d.server(theHost).last().close(4006)
		sleep(5 * time.Second)
		require.NoError(t, s.Err())
		_, err := s.Write(opus(1))
		require.ErrorIs(t, err, ErrNotConnected)
		away = false
		require.NoError(t, s.Ready(t.Context()))
	})
}

// The main gateway reconnects, or the bot is muted: the same channel again is
// no reason to do anything, and neither is the same server.
func TestSameStateChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.state(lobby, "session-1")
		d.named(theHost, "token-1")
		d.state(lobby, "session-1")
		d.voice.HandleEvent(event.Resumed, nil)
		sleep(time.Minute)
		require.Equal(t, 1, d.server(theHost).count())
		require.Equal(t, uint64(1), s.Stats().Connects)
		require.Len(t, d.sent(), 1)
	})
}

// The main gateway had to identify anew: it is told again where the bot is, and
// the old connection serves until there is another one.
func TestMainGatewayIdentifiesAnew(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		speak(t, s)
		d.onCommand(func(v command.VoiceState) {
			go func() {
				time.Sleep(2 * time.Second)
				d.state(v.ChannelID, "session-2")
				time.Sleep(time.Second)
				d.named("other.example:1", "token-2")
			}()
		})
		d.server("other.example:1")
		ready := fmt.Sprintf(`{"user":{"id":"%d"},"guilds":[{"id":"1"},{"id":"%d"}]}`, bot, guild)
		d.voice.HandleEvent(event.Ready, []byte(ready))
		sleep(2500 * time.Millisecond)
		require.Equal(t, Connected, s.Phase())
		sleep(time.Second)
		goesOn(t, d, s, d.server("other.example:1"))
		require.Equal(t, []command.VoiceState{{GuildID: guild, ChannelID: lobby}, {GuildID: guild, ChannelID: lobby}}, d.sent())
	})
}

// The user decides otherwise.
func TestDecisionOfTheUser(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.server(theHost).last().close(4014)
		<-s.Done()
		var closed *gateway.VoiceError
		require.ErrorAs(t, s.Err(), &closed)
		require.Equal(t, closecode.Stop, closed.Decision)
	}, WithDecision(func(code closecode.Voice) closecode.Decision {
		if code == closecode.VoiceDisconnected {
			return closecode.Stop
		}
		return code.Decision()
	}))
}

// A server that falls silent is left and resumed.
func TestZombie(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		host := d.server(theHost)
		host.onMessage(func(c *client, m gateway.VoiceMessage) {
			if m.Op != opcode.VoiceHeartbeat || host.count() > 1 {
				host.serve(c, m)
			}
		})
		sleep(time.Minute)
		require.NoError(t, s.Ready(t.Context()))
		require.Equal(t, 2, host.count())
		require.Len(t, host.last().all(opcode.VoiceResume), 1)
	})
}

// disgo #587: an answer to a heartbeat that was not sent is nothing.
func TestForeignHeartbeatACK(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		for n := range 5 {
			d.server(theHost).last().send(opcode.VoiceHeartbeatACK, fmt.Sprintf(`{"t":%d}`, n))
		}
		sleep(time.Minute)
		require.Equal(t, 1, d.server(theHost).count())
		require.Equal(t, Connected, s.Phase())
	})
}

// Nonsense ends the connection, not the session, and not for ever again.
func TestMalformed(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.server(theHost).last().send(opcode.VoiceReady, `{`)
		sleep(time.Second)
		require.NoError(t, s.Ready(t.Context()))
		require.Len(t, d.server(theHost).last().all(opcode.VoiceResume), 1)
	})
}
