package voiceshard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
