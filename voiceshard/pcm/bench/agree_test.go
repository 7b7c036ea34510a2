//go:build libopus

package bench

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/voiceshard/pcm"
	"github.com/discordpkg/gateway/voiceshard/pcm/bench/libopus"
)

// configs are what is encoded with.
var configs = []pcm.EncoderConfig{
	{Bitrate: 16_000, Voice: true}, {Bitrate: 24_000, Voice: true}, {Bitrate: 32_000, Voice: true}, {Bitrate: 32_000, Voice: true, FEC: true, Loss: 10},
	{Bitrate: 48_000, Voice: true}, {Bitrate: 64_000}, {Bitrate: 96_000}, {Bitrate: 128_000}, {Bitrate: 256_000},
}

// int16s turns samples into 16 bits as libopus does: rounded, clipped.
func int16s(p []float32) []int16 {
	out := make([]int16, len(p))
	for i, v := range p {
		out[i] = int16(min(max(math.RoundToEven(float64(v)*32768), -32768), 32767))
	}
	return out
}

// TestDecodersAgree wants every sample within one step of 16 bits of libopus, and
// nearly all of them equal.
func TestDecodersAgree(t *testing.T) {
	sounds := Sounds()
	sounds["loud"] = Loud()
	for name, sound := range sounds {
		for _, c := range configs {
			t.Run(fmt.Sprintf("%s/%d/%v", name, c.Bitrate, c.Voice), func(t *testing.T) {
				packets, err := Packets(sound, c)
				require.NoError(t, err)
				ours, err := pcm.Gopus.NewDecoder()
				require.NoError(t, err)
				theirs, err := libopus.NewDecoder()
				require.NoError(t, err)
				defer theirs.Close()
				a, b := make([]float32, pcm.MaxSamples*2), make([]float32, pcm.MaxSamples*2)
				same, all, worst := 0, 0, 0
				for _, p := range packets {
					n, err := ours.Decode(p, a)
					require.NoError(t, err)
					m, err := theirs.Decode(p, b)
					require.NoError(t, err)
					require.Equal(t, m, n)
					x, y := int16s(a[:2*n]), int16s(b[:2*n])
					for i := range x {
						d := int(x[i]) - int(y[i])
						worst = max(worst, d, -d)
						if all++; d == 0 {
							same++
						}
					}
				}
				share := float64(same) / float64(all)
				t.Logf("%.4f %% equal, worst difference %d", 100*share, worst)
				require.LessOrEqual(t, worst, 1)
				least := 0.999
				if name == "loud" {
					least = 0.998
				}
				require.GreaterOrEqual(t, share, least)
			})
		}
	}
}

// snr returns the signal to noise ratio in dB.
func snr(want, got []float32) float64 {
	var signal, noise float64
	for i := range min(len(want), len(got)) {
		d := float64(got[i] - want[i])
		signal += float64(want[i]) * float64(want[i])
		noise += d * d
	}
	return 10 * math.Log10(signal/(noise+1e-20))
}

// TestConcealmentIsAsGood loses 5 % of the packets: what is made up is at most
// half a dB worse than that of libopus 1.5 or newer, beside what would have been heard.
func TestConcealmentIsAsGood(t *testing.T) {
	for name, sound := range Sounds() {
		for _, c := range []pcm.EncoderConfig{{Bitrate: 32_000, Voice: true}, {Bitrate: 96_000}} {
			packets, err := Packets(sound, c)
			require.NoError(t, err)
			clean, ours, theirs := decodeLossy(t, packets)
			a, b := snr(clean, ours), snr(clean, theirs)
			t.Logf("%s, %d b/s: ours %.2f dB, %s %.2f dB", name, c.Bitrate, a, libopus.Version(), b)
			worse := 0.5
			if old(libopus.Version()) {
				worse = 5 // it conceals music in another way, which these sounds like
			}
			require.GreaterOrEqual(t, a, b-worse, "%s, %+v", name, c)
		}
	}
}

// old reports whether libopus is one before 1.5, as that of Debian 12 is.
func old(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "libopus %d.%d", &major, &minor)
	return err == nil && (major < 1 || major == 1 && minor < 5)
}

// decodeLossy decodes without loss, and with one packet in 20 lost by both decoders.
func decodeLossy(t *testing.T, packets [][]byte) (clean, ours, theirs []float32) {
	t.Helper()
	whole, err := libopus.NewDecoder()
	require.NoError(t, err)
	defer whole.Close()
	lib, err := libopus.NewDecoder()
	require.NoError(t, err)
	defer lib.Close()
	own, err := pcm.Gopus.NewDecoder()
	require.NoError(t, err)
	buffer := make([]float32, pcm.MaxSamples*2)
	add := func(dst []float32, n int, err error) []float32 {
		require.NoError(t, err)
		return append(dst, buffer[:2*n]...)
	}
	for i, p := range packets {
		n, err := whole.Decode(p, buffer)
		clean = add(clean, n, err)
		if i%20 == 7 {
			n, err = lib.Decode(nil, buffer[:Frame])
			theirs = add(theirs, n, err)
			n, err = own.Conceal(pcm.FrameSamples, buffer)
			ours = add(ours, n, err)
			continue
		}
		n, err = lib.Decode(p, buffer)
		theirs = add(theirs, n, err)
		n, err = own.Decode(p, buffer)
		ours = add(ours, n, err)
	}
	return clean, ours, theirs
}

// TestEncodersAgree wants the bitrate that was asked for from 24 kb/s up, and
// libopus to decode what was encoded as well as what it encodes itself.
func TestEncodersAgree(t *testing.T) {
	for name, sound := range Sounds() {
		for _, c := range configs[1:] {
			if c.FEC || c.Voice != (name == "speech") {
				continue
			}
			packets, err := Packets(sound, c)
			require.NoError(t, err)
			reference := encodeReference(t, sound, c)
			a, b := quality(t, sound, packets), quality(t, sound, reference)
			x, y := kbps(packets), kbps(reference)
			t.Logf("%s, %d b/s: %.1f kb/s %.2f dB, libopus %.1f kb/s %.2f dB", name, c.Bitrate, x, a, y, b)
			require.InDelta(t, 1, x/y, 0.02, "%s at %d", name, c.Bitrate)
			require.GreaterOrEqual(t, a, b-0.5, "%s at %d", name, c.Bitrate)
		}
	}
}

func encodeReference(t *testing.T, sound []float32, c pcm.EncoderConfig) (packets [][]byte) {
	t.Helper()
	e, err := libopus.NewEncoder(c.Bitrate, 9, c.Voice)
	require.NoError(t, err)
	defer e.Close()
	buffer := make([]byte, pcm.MaxPacket)
	for i := 0; i+Frame <= len(sound); i += Frame {
		frame := append([]float32(nil), sound[i:i+Frame]...)
		if c.Voice {
			for k := range pcm.FrameSamples {
				frame[k] = (frame[2*k] + frame[2*k+1]) / 2
			}
			frame = frame[:pcm.FrameSamples]
		}
		n, err := e.Encode(frame, buffer)
		require.NoError(t, err)
		packets = append(packets, append([]byte(nil), buffer[:n]...))
	}
	return packets
}

func kbps(packets [][]byte) float64 {
	n := 0
	for _, p := range packets {
		n += len(p)
	}
	return float64(n) * 8 / 1000 / (float64(len(packets)) * pcm.FrameTime.Seconds())
}

// quality returns the signal to noise ratio of packets as libopus decodes them.
func quality(t *testing.T, sound []float32, packets [][]byte) float64 {
	t.Helper()
	d, err := libopus.NewDecoder()
	require.NoError(t, err)
	defer d.Close()
	const delay = 312 * pcm.Channels
	var out []float32
	buffer := make([]float32, pcm.MaxSamples*2)
	for _, p := range packets {
		n, err := d.Decode(p, buffer)
		require.NoError(t, err)
		out = append(out, buffer[:2*n]...)
	}
	return snr(sound, out[delay:])
}
