package voiceshard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/opcode"
)

// Somebody disconnects the bot: the state says so, before or after the close.
func TestKicked(t *testing.T) {
	for _, closeFirst := range []bool{true, false} {
		run(t, func(t *testing.T, d *discord) {
			s := d.join()
			if closeFirst {
				d.server(theHost).last().close(4014)
				sleep(time.Second)
				require.NoError(t, s.Err())
				require.Equal(t, Waiting, s.Phase())
			}
			d.state(0, "session-1")
			<-s.Done()
			require.ErrorIs(t, s.Err(), ErrDisconnected)
			require.Len(t, d.sent(), 1, "there is nothing to leave")
		})
	}
}

// 4014 and 4022 are followed by the events of a move within ten seconds, or
// the membership is over.
func TestClosedForGood(t *testing.T) {
	for _, code := range []int{4014, 4022} {
		run(t, func(t *testing.T, d *discord) {
			s := d.join()
			start := time.Now()
			d.server(theHost).last().close(code)
			<-s.Done()
			require.Equal(t, lifecycle.VoiceMoveTime, time.Since(start))
			require.ErrorIs(t, s.Err(), ErrDisconnected)
			var closed *gateway.VoiceError
			require.ErrorAs(t, s.Err(), &closed)
			require.Equal(t, closecode.Voice(code), closed.CloseCode)
			require.Equal(t, 1, d.server(theHost).count(), "no connection without being told")
		})
	}
}

// disgo #583, DPP #1553: a move closes with 4014 (or 4022), with the events
// before, around and after it in any order.
func TestMovedByOthers(t *testing.T) {
	d := (*discord)(nil)
	state := func() { d.state(cellar, "session-9") }
	server := func() { d.named("other.example:1", "token-9") }
	closed := func() { d.server(theHost).last().close(4014) }
	for _, order := range [][]func(){
		{state, closed, server}, {closed, state, server}, {closed, server, state},
		{server, state, closed}, {state, server, closed}, {server, closed, state},
	} {
		run(t, func(t *testing.T, fresh *discord) {
			d = fresh
			s := d.join()
			speak(t, s)
			for _, step := range order {
				step()
				sleep(100 * time.Millisecond)
			}
			goesOn(t, d, s, d.server("other.example:1"))
			require.Contains(t, d.server("other.example:1").last().all(opcode.VoiceIdentify)[0], `"session_id":"session-9","token":"token-9"`)
			require.Equal(t, 1, d.server("other.example:1").count())
			require.Equal(t, cellar, s.Channel())
			require.Len(t, d.sent(), 1)
		})
	}
}

// Moved twice in a row: the token of the first move is refused, because there
// is a newer one that is still on its way.
func TestTokenOvertaken(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		speak(t, s)
		there := d.server("other.example:1")
		there.onMessage(func(c *client, m gateway.VoiceMessage) { c.close(4004) })
		d.state(cellar, "session-8")
		d.named("other.example:1", "token-8")
		sleep(100 * time.Millisecond)
		there.onMessage(there.serve)
		d.state(lobby, "session-9")
		sleep(100 * time.Millisecond)
		d.named("other.example:1", "token-9")
		goesOn(t, d, s, there)
		require.Len(t, d.sent(), 1)

		there.onMessage(func(c *client, m gateway.VoiceMessage) { c.close(4004) })
		d.named("other.example:1", "token-10")
		sleep(10 * time.Second)
		require.NoError(t, s.Ready(t.Context()), "without a newer one the main gateway is asked")
		require.Equal(t, 2, d.server(theHost).count())
	})
}

// The voice server changes in the middle of a call, with no other event.
func TestServerChange(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		speak(t, s)
		d.named("other.example:1", "token-2")
		sleep(time.Second)
		goesOn(t, d, s, d.server("other.example:1"))
		require.Equal(t, 1, d.server(theHost).count())
		code := d.server(theHost).last().closed
		require.EqualValues(t, 1000, *code, "the old server is told")
	})
}

// The voice server goes away, and Discord needs time to find another one.
func TestServerGoneMidCall(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		speak(t, s)
		d.named("", "token-2")
		sleep(30 * time.Second)
		require.Equal(t, Waiting, s.Phase())
		d.named("other.example:1", "token-2")
		goesOn(t, d, s, d.server("other.example:1"))
	})
}

func TestMove(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		speak(t, s)
		again, err := d.voice.Join(t.Context(), guild, cellar)
		require.NoError(t, err)
		require.Same(t, s, again)
		require.Equal(t, cellar, s.Channel())
		goesOn(t, d, s, d.server(theHost))
		require.Equal(t, 2, d.server(theHost).count())
		require.NoError(t, s.Move(t.Context(), cellar), "there already")
		require.Len(t, d.sent(), 2)
	})
}

// Within one voice server a move may need no new connection.
func TestMoveOnTheSameServer(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.onCommand(func(v command.VoiceState) { d.state(v.ChannelID, "session-1") })
		start := time.Now()
		require.NoError(t, s.Move(t.Context(), cellar))
		require.Equal(t, lifecycle.VoiceMoveSettle, time.Since(start))
		require.Equal(t, cellar, s.Channel())
		d.named("other.example:1", "token-2") // is understood later as well
		d.server("other.example:1")
		sleep(time.Second)
		require.Equal(t, 1, d.server("other.example:1").count())
	})
}

func TestMoveRefused(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.onCommand(nil)
		var silence *NoAnswerError
		require.ErrorAs(t, s.Move(t.Context(), cellar), &silence)
		require.Equal(t, lobby, s.Channel())
		require.Equal(t, Connected, s.Phase())
		require.Error(t, s.Move(t.Context(), 0))
		d.named("other.example:1", "token-2")
		d.server("other.example:1")
		sleep(time.Second)
		require.Equal(t, 1, d.server("other.example:1").count(), "the session still follows its server")
	})
}
