package voiceshard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
)

// songbird 0.4.1 counted a copy of the nonce. It must grow with each packet,
// also when the server describes the session twice.
func TestNoncesNeverRepeat(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		host := d.server(theHost)
		for n := range 10 {
			if n%3 == 0 {
				host.last().describe()
				sleep(0)
			}
			_, err := s.Write(opus(n))
			require.NoError(t, err)
		}
		host.last().close(4015)
		sleep(time.Second)
		_, err := s.Write(opus(11))
		require.NoError(t, err)
		sleep(0)
		require.Len(t, host.nonces, 11)
		for n, nonce := range host.nonces {
			require.EqualValues(t, n, nonce)
		}
	})
}

// A voice server may hand out one key twice, to one session after another.
func TestNoncesOfAKeyThatComesBack(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		host := d.server(theHost)
		host.onMessage(func(c *client, m gateway.VoiceMessage) {
			if m.Op == opcode.VoiceSelectProtocol {
				host.mu.Lock()
				host.key = [32]byte{7}
				host.mu.Unlock()
			}
			host.serve(c, m)
		})
		s := d.join()
		for n, again := range []func(){
			func() {},
			func() { host.last().close(4006) },
			func() { d.named(theHost, "token-9") },
		} {
			again()
			sleep(5 * time.Second)
			_, err := s.Write(opus(n))
			require.NoError(t, err)
		}
		sleep(0)
		heard, _ := host.audio()
		require.Equal(t, [][]byte{opus(0), opus(1), opus(2)}, heard)
		require.Equal(t, []uint32{0, 1, 2}, host.nonces)
	})
}

// Before the nonces are used up there is a new session with a new key.
func TestWornOutKey(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		key := d.server(theHost).key
		sealer, err := rtp.NewSealer(rtp.AES256GCM, key[:], rtp.Nonces{Next: 7, Left: 100})
		require.NoError(t, err)
		s.out.mu.Lock()
		s.out.sealer = sealer
		s.out.mu.Unlock()
		sleep(rtp.KeepaliveInterval + time.Second)
		require.NoError(t, s.Ready(t.Context()))
		require.Equal(t, 2, d.server(theHost).count())
		require.Len(t, d.sent(), 3)
		require.False(t, s.out.wornOut())
	})
}
