package pcm

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
)

// BenchmarkFiftyUsers is 20 ms of a call: 50 users are received and decoded, 10 of
// them are mixed and encoded again. It has to take less than 20 ms of one core.
func BenchmarkFiftyUsers(b *testing.B) {
	const users, mixed = 50, 10
	tk := speech(b, 1, Sweep(200, 3000, 0.3, 2*time.Second), EncoderConfig{Voice: true})
	w := newWire()
	r := newReceiver(b, w, ReceiverConfig{Pause: time.Hour, Idle: time.Hour})
	m := newMixer(b, MixerConfig{})
	pipes := make([]*Pipe, mixed)
	for i := range pipes {
		var err error
		pipes[i], err = NewPipe(time.Second, true)
		require.NoError(b, err)
		add(b, m, pipes[i], TrackConfig{})
	}
	e, err := NewEncoder(m, EncoderConfig{})
	require.NoError(b, err)
	packets := make([]voiceshard.Packet, users)
	began := time.Now()
	stamp := uint32(0)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		now := began.Add(time.Duration(n) * FrameTime)
		for i := range packets {
			packets[i] = voiceshard.Packet{User: snowflake.ID(i + 1), SSRC: uint32(i + 1), Timestamp: stamp, Count: 1, Opus: tk.all[n%len(tk.all)], Arrival: now}
			w.packets <- &packets[i]
		}
		stamp += FrameSamples
		for range users {
			c, err := r.Next(b.Context())
			if err != nil || c.Kind != Heard {
				b.Fatal(c, err)
			}
			if i := int(c.User) - 1; i < mixed {
				_ = pipes[i].WritePCM(c.PCM)
			}
		}
		if _, err := e.ReadFrame(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(FrameTime)*100, "%core")
}
