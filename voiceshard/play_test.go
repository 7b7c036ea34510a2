package voiceshard

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/voiceshard/audio"
	"github.com/discordpkg/gateway/voiceshard/internal/pace"
)

func TestPlay(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(50))
		require.NoError(t, d.wait(p))
		sleep(0)
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 55)
		for i := range 50 {
			require.Equal(t, opus(i), heard[i])
		}
		for i := range 5 {
			require.Equal(t, silenceFrame, heard[50+i])
		}
		for i, at := range d.sentAt() {
			require.Equal(t, time.Duration(i)*20*ms, at, "frame %d", i)
			require.Equal(t, headers[0].Timestamp+uint32(i)*960, headers[i].Timestamp)
		}
		requireContinuous(t, headers, d.sentAt())
		require.Equal(t, []string{"1", "0"}, d.said())
		require.Equal(t, time.Second, p.Position())
		require.NoError(t, p.Err())
		require.Equal(t, PlayerStats{Frames: 50}, p.Stats())
		_, known := p.Length()
		require.False(t, known)

		_, err := s.Write(opus(1))
		require.NoError(t, err, "the sender is free again")
		p.Stop()
		p.Pause()
		require.Equal(t, ErrPlayed, p.Resume())
		require.Equal(t, audio.ErrNotSeekable, p.Seek(t.Context(), 0))
	})
}

// Timestamps and times step by what the TOC byte says.
// TestPlayOptionsAreJudged wants a value out of range to be an error, not another value.
func TestPlayOptionsAreJudged(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		for _, o := range []PlayOption{WithLookAhead(-1), WithLookAhead(maxLookAhead + 1), WithCatchUp(-1)} {
			_, err := s.Play(t.Context(), record(1), o)
			require.ErrorContains(t, err, "voiceshard: ")
		}
		require.NoError(t, d.wait(d.play(s, record(1), WithLookAhead(0), WithCatchUp(0))))
	})
}

func TestPlayFramesOfAnyLength(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		source := &tape{frames: [][]byte{{0xe0}, {0xe8}, {0xf0}, {0xf8}, {0x10}, {0x18}, {0x19}, {0xfb, 6}, {3}, make([]byte, 4000), {0xf8, 1}}}
		p := d.play(d.join(), source)
		require.NoError(t, d.wait(p))
		_, headers := d.server(theHost).audio()
		at, stamp := time.Duration(0), headers[0].Timestamp
		times := d.sentAt()
		for i, step := range []time.Duration{2500, 5000, 10000, 20000, 40000, 60000, 120000, 120000, 20000} {
			require.Equal(t, at, times[i], "frame %d", i)
			require.Equal(t, stamp, headers[i].Timestamp, "frame %d", i)
			at += step * time.Microsecond
			stamp += uint32(step * 48 / 1000)
		}
		require.Equal(t, uint64(2), p.Stats().Refused)
		require.Equal(t, 4000, p.Stats().LargestRefused)
	})
}

func TestPauseAndResume(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(50))
		sleep(205 * ms)
		p.Pause()
		require.True(t, p.Paused())
		sleep(time.Second)
		heard, _ := d.server(theHost).audio()
		require.Len(t, heard, 16)
		require.Equal(t, 220*ms, p.Position())
		require.Equal(t, silenceFrame, heard[15])
		require.Equal(t, []string{"1", "0"}, d.said())
		p.Pause()

		aside := d.play(s, record(3))
		require.Equal(t, ErrPlaying, p.Resume())
		require.NoError(t, d.wait(aside))
		sleep(time.Second)
		require.NoError(t, p.Resume())
		require.NoError(t, p.Resume())
		require.False(t, p.Paused())
		require.NoError(t, d.wait(p))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 55+5+3+5)
		require.Equal(t, opus(11), heard[24])
		requireContinuous(t, headers, d.sentAt())
		require.Equal(t, []string{"1", "0", "1", "0", "1", "0"}, d.said())
	})
}

func TestPauseIsTakenBack(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(20))
		sleep(100 * ms)
		p.Pause()
		sleep(30 * ms)
		require.NoError(t, p.Resume())
		require.NoError(t, d.wait(p))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 30, "the silence is sent to its end")
		requireContinuous(t, headers, d.sentAt())
		require.Equal(t, []string{"1", "0"}, d.said())

		slow := &slowStart{Source: record(5), begin: make(chan struct{})}
		p = d.play(s, slow)
		p.Pause() // before the first frame
		close(slow.begin)
		sleep(time.Second)
		require.Zero(t, p.Position())
		require.NoError(t, p.Resume())
		require.NoError(t, d.wait(p))
		heard, _ = d.server(theHost).audio()
		require.Len(t, heard, 40)
	})
}

// A slowStart is a source whose first frame is there when begin is closed.
type slowStart struct {
	audio.Source
	begin chan struct{}
}

func (s *slowStart) ReadFrame() ([]byte, error) {
	<-s.begin
	return s.Source.ReadFrame()
}

func TestOnePlayerAtATime(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(100))
		_, err := s.Play(t.Context(), record(1))
		require.Equal(t, ErrPlaying, err)
		_, err = s.Write(opus(1))
		require.Equal(t, ErrPlaying, err)
		sleep(100 * ms)
		p.Stop()
		p.Stop()
		require.NoError(t, d.wait(p))
		heard, _ := d.server(theHost).audio()
		require.Len(t, heard, 11)
		require.Equal(t, []string{"1", "0"}, d.said())
		require.NoError(t, d.wait(d.play(s, record(1))))
	})
}

func TestSeekOfAPlayer(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, &film{record(500)})
		sleep(101 * ms)
		length, ok := p.Length()
		require.True(t, ok)
		require.Equal(t, 10*time.Second, length)
		require.NoError(t, p.Seek(t.Context(), 4*time.Second))
		require.Equal(t, 4*time.Second, p.Position())
		sleep(100 * ms)
		require.Equal(t, 4100*ms, p.Position())
		heard, headers := d.server(theHost).audio()
		require.Equal(t, opus(5), heard[5])
		require.Equal(t, opus(200), heard[6], "no gap, and nothing of what was ahead")
		requireContinuous(t, headers, d.sentAt())
		require.Zero(t, p.Stats().Underruns)

		require.ErrorContains(t, p.Seek(t.Context(), 2*time.Hour), "torn")
		p.Pause()
		sleep(time.Second)
		require.NoError(t, p.Seek(t.Context(), 9900*ms))
		require.True(t, p.Paused())
		require.NoError(t, p.Resume())
		sleep(150 * ms) // in the silence after the end
		require.NoError(t, p.Seek(t.Context(), 9980*ms))
		require.NoError(t, d.wait(p))
		require.Equal(t, ErrPlayed, p.Seek(t.Context(), 0))
		heard, headers = d.server(theHost).audio()
		require.Equal(t, opus(499), heard[len(heard)-6])
		requireContinuous(t, headers, d.sentAt())
	})
}

func TestSeekWaitsForTheSource(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		slow := record(5)
		slow.delay = func(int) time.Duration { return time.Hour }
		p := d.play(d.join(), &film{slow}, WithClose())
		sleep(ms)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Seek(ctx, 0), context.DeadlineExceeded)
		require.ErrorIs(t, p.Wait(ctx), context.DeadlineExceeded)
		require.NoError(t, p.Err())
		p.Stop()
		require.NoError(t, d.wait(p), "closing it wakes the reader")
	})
}

func TestUnderrun(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		source := record(100)
		source.delay = func(i int) time.Duration {
			switch i {
			case 20:
				return time.Second
			case 40:
				return 150 * ms // is ahead of that
			}
			return 0
		}
		p := d.play(s, source)
		require.NoError(t, d.wait(p))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 110)
		require.Equal(t, opus(19), heard[19])
		require.Equal(t, silenceFrame, heard[24])
		require.Equal(t, opus(20), heard[25])
		requireContinuous(t, headers, d.sentAt())
		require.Equal(t, uint64(1), p.Stats().Underruns)
		require.Equal(t, []string{"1", "0"}, d.said())
	})
}

func TestPauseWhileTheSourceIsSlow(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		source := record(30)
		source.delay = func(i int) time.Duration {
			if i == 10 {
				return time.Second
			}
			return 0
		}
		p := d.play(d.join(), source)
		sleep(230 * ms) // the silence has begun
		p.Pause()
		sleep(2 * time.Second)
		require.True(t, p.Paused())
		require.Equal(t, 200*ms, p.Position())
		require.Equal(t, []string{"1", "0"}, d.said())
		require.NoError(t, p.Resume())
		require.NoError(t, d.wait(p))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 40)
		requireContinuous(t, headers, d.sentAt())

		source = record(30)
		source.delay = func(i int) time.Duration { return time.Duration(i/10) * time.Second }
		p = d.play(d.voice.Session(guild), source)
		sleep(230 * ms)
		p.Stop()
		select {
		case <-p.Done():
			t.Fatal("the source is being read")
		case <-time.After(500 * ms):
		}
		require.NoError(t, d.wait(p))
	})
}

func TestSourceFails(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		broken := errors.New("head crash")
		source := record(10)
		source.err = broken
		p := d.play(d.join(), source)
		err := d.wait(p)
		require.ErrorIs(t, err, ErrSource)
		require.ErrorIs(t, err, broken)
		heard, _ := d.server(theHost).audio()
		require.Len(t, heard, 15, "what was read is played")
	})
}

func TestPlayerEndsWithTheSession(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		p := d.play(s, record(100))
		sleep(100 * ms)
		require.NoError(t, s.Leave(t.Context()))
		require.ErrorIs(t, d.wait(p), ErrLeft)
		_, err := s.Play(t.Context(), record(1))
		require.ErrorIs(t, err, ErrLeft)

		s = d.join()
		p = d.play(s, record(100))
		sleep(100 * ms)
		p.Pause()
		sleep(time.Second)
		require.NoError(t, s.Leave(t.Context()))
		require.ErrorIs(t, d.wait(p), ErrLeft)
		require.Equal(t, ErrPlayed, p.Resume())
	})
}

func TestPlayerEndsWithItsContext(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		s := d.join()
		ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
		defer cancel()
		p, err := s.Play(ctx, record(100), WithSpeaking(gateway.SpeakingPriority))
		require.NoError(t, err)
		require.ErrorIs(t, d.wait(p), context.DeadlineExceeded)
		heard, _ := d.server(theHost).audio()
		require.Equal(t, silenceFrame, heard[len(heard)-1])
		require.Equal(t, []string{"4", "0"}, d.said())
		_, err = s.Play(ctx, record(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, d.wait(d.play(s, record(1))))
	})
}

// After a stall of the process the sound is made up for as far as allowed.
func TestPlayerCatchesUp(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		for _, catchUp := range []time.Duration{100 * ms, time.Second} {
			d.mu.Lock()
			d.times = nil
			d.mu.Unlock()
			p := d.play(d.join(), record(100), WithCatchUp(catchUp), WithLookAhead(2*time.Second))
			sleep(100 * ms)
			block := pace.NewTask(func(time.Time) time.Time { time.Sleep(500 * ms); return time.Time{} })
			pace.Shared.Schedule(block, time.Now())
			require.NoError(t, d.wait(p))
			times := d.sentAt()
			most, n := 0, 0
			for i := 1; i < len(times); i++ {
				if n++; times[i] != times[i-1] {
					n = 1
				}
				most = max(most, n)
			}
			skipped := p.Stats().Skipped
			require.Equal(t, max(480*ms-catchUp, 0), skipped)
			require.Equal(t, int(min(catchUp, 480*ms)/(20*ms))+1, most)
			require.Equal(t, 104*20*ms+skipped, times[len(times)-1])
		}
	})
}

// A packet that is too large for a datagram is sent in parts that have its
// frames: 120 ms at 510 kb/s, and 60 ms in 20 ms frames.
func TestPlayLargePackets(t *testing.T) {
	perform(t, func(t *testing.T, d *stage) {
		large := func(frames int, fill byte) []byte {
			return append([]byte{0xff, byte(frames)}, bytes.Repeat([]byte{fill}, 1275*frames)...)
		}
		s := d.join()
		source := &tape{frames: [][]byte{large(6, 1), large(3, 2), opus(3)}}
		p := d.play(s, source)
		require.NoError(t, d.wait(p))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 6+3+1+5)
		for i, want := range []byte{1, 1, 1, 1, 1, 1, 2, 2, 2} {
			require.Equal(t, append([]byte{0xfc}, bytes.Repeat([]byte{want}, 1275)...), heard[i])
		}
		requireContinuous(t, headers, d.sentAt())
		require.Equal(t, 200*ms, p.Position())
		require.Equal(t, uint64(10), p.Stats().Frames)

		sleep(time.Second)
		_, err := s.Write(large(6, 4))
		require.NoError(t, err)
		sleep(0)
		heard, headers = d.server(theHost).audio()
		require.Len(t, heard, 15+6)
		for i := range 5 {
			require.Equal(t, headers[15+i].Timestamp+960, headers[16+i].Timestamp)
			require.Equal(t, headers[15+i].Sequence+1, headers[16+i].Sequence)
		}
	})
}
