package voiceshard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/opcode"
)

// A player waits while there is no transport and goes on where it was, with
// the numbers of the old one and time passed for the listeners.
func TestPlayAcrossAServerChange(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(100))
		sleep(405 * ms)
		d.named("", "") // no server for the time being
		sleep(3 * time.Second)
		require.Equal(t, uint64(1), p.Stats().Outages)
		at := p.Position()
		require.Equal(t, 420*ms, at)
		d.named("other.example:1", "token-2")
		require.NoError(t, d.wait(p))
		before, h1 := d.server(theHost).audio()
		after, h2 := d.server("other.example:1").audio()
		require.Equal(t, 105, len(before)+len(after))
		require.Equal(t, opus(len(before)), after[0], "nothing is lost, nothing is said twice")
		require.Equal(t, opus(99), after[len(after)-6])
		require.NotEqual(t, h1[0].SSRC, h2[0].SSRC)
		requireContinuous(t, append(h1, h2...), d.sentAt())
		require.Equal(t, uint64(100), p.Stats().Frames)
		require.Less(t, p.Stats().Lateness.Max, outagePoll)
	})
}

// What was encrypted ahead for a server that is gone is encrypted again.
func TestPlayAcrossAnInstantServerChange(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		p := d.play(d.join(), record(100))
		sleep(405 * ms)
		d.named("other.example:1", "token-2")
		require.NoError(t, d.wait(p))
		before, h1 := d.server(theHost).audio()
		after, h2 := d.server("other.example:1").audio()
		require.Equal(t, 105, len(before)+len(after))
		require.Equal(t, opus(len(before)), after[0])
		requireContinuous(t, append(h1, h2...), d.sentAt())
	})
}

// A lost websocket is no lost transport.
func TestPlayAcrossAResume(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(100))
		sleep(405 * ms)
		d.server(theHost).last().close(4015)
		require.NoError(t, d.wait(p))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 105)
		for i, at := range d.sentAt() {
			require.Equal(t, time.Duration(i)*20*ms, at)
		}
		requireContinuous(t, headers, d.sentAt())
	})
}

// What was encrypted ahead is encrypted again when the voice server changes the
// key, and no nonce is used twice even if it comes back to an earlier one.
func TestPlayAcrossNewKeys(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		host := d.server(theHost)
		p := d.play(d.join(), record(100))
		for n := range 4 {
			sleep(405 * ms)
			host.mu.Lock()
			host.key = [32]byte{1, byte(n % 2)}
			host.mu.Unlock()
			host.last().describe()
		}
		require.NoError(t, d.wait(p))
		heard, headers := host.audio()
		require.Len(t, heard, 105)
		require.NotContains(t, heard, []byte("forged"))
		requireContinuous(t, headers, d.sentAt())
		require.IsIncreasing(t, host.nonces)
	})
}

func TestPauseWithoutATransport(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(100))
		sleep(205 * ms)
		d.named("", "")
		sleep(time.Second)
		p.Pause()
		sleep(time.Second)
		d.named(theHost, "token-2")
		sleep(time.Second)
		heard, _ := d.server(theHost).audio()
		require.Len(t, heard, 11)
		require.NoError(t, p.Resume())
		require.NoError(t, d.wait(p))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 105)
		requireContinuous(t, headers, d.sentAt())

		p = d.play(s, record(100))
		sleep(205 * ms)
		d.named("", "")
		sleep(time.Second)
		p.Stop()
		require.NoError(t, d.wait(p))
	})
}

// A key that comes later than the session description costs nothing of the
// source: the player waits for it.
func TestPlayerWaitsForAKey(t *testing.T) {
	for _, late := range []time.Duration{30 * ms, 300 * ms, 5 * time.Second} {
		l := new(lock)
		run(t, func(t *testing.T, d *discord) {
			s, err := d.voice.Join(t.Context(), guild, lobby)
			require.NoError(t, err)
			p, err := s.Play(t.Context(), record(50))
			require.NoError(t, err)
			sleep(late)
			heard, _ := d.server(theHost).audio()
			require.Empty(t, heard)
			d.server(theHost).last().number(opcode.DAVEExecuteTransition, `{}`)
			require.NoError(t, p.Wait(t.Context()))
			heard, headers := d.server(theHost).audio()
			require.Equal(t, append([]byte(bot.String()), opus(0)...), heard[0])
			require.Equal(t, append([]byte(bot.String()), opus(49)...), heard[49])
			require.Equal(t, headers[0].Sequence+49, headers[49].Sequence)
			require.Equal(t, PlayerStats{Frames: 50, Outages: 1}, p.Stats())
			require.Zero(t, s.Stats().Unencrypted)
		}, withLock(l))
	}
}
