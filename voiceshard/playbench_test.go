package voiceshard

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceshard/internal/histogram"
	"github.com/discordpkg/gateway/voiceshard/internal/pace"
)

// Many players at once are spread over the time of a frame.
func TestPlayersAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := make(map[time.Duration]int)
		start := time.Now()
		for range 200 {
			p := &Player{session: &Session{}, rest: make(chan struct{}, 1), ended: true}
			n := 0
			p.task = pace.NewTask(func(now time.Time) time.Time {
				if n++; n == 1 {
					begun[now.Sub(start)]++
				}
				if n == 3 {
					return time.Time{}
				}
				return now.Add(silenceTime)
			})
			p.begin(start)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		require.Greater(t, len(begun), 150)
		for at := range begun {
			require.Less(t, at, silenceTime)
		}
	})
}

func TestPlayingDoesNotAllocate(t *testing.T) {
	s := &Session{}
	m := &media{generation: 1, conn: nowhere{}}
	require.NoError(t, s.out.attach(m, rtp.AES256GCM, make([]byte, rtp.KeySize), nil))
	p := &Player{session: s, mode: playing, ahead: time.Hour, source: record(0)}
	p.room.L = &p.mu
	frame := make([]byte, 160)
	frame[0] = 0xfc
	now := time.Now()
	p.schedule.Start(now)
	step := func() {
		p.take(frame, nil, 0)
		if now = p.tick(now); now.IsZero() || p.mode != playing {
			t.Fatal("does not play")
		}
	}
	for range 100 {
		step()
	}
	require.Zero(t, testing.AllocsPerRun(1000, step))
	require.Equal(t, uint64(1101), p.Stats().Frames)
}

// A player whose end-to-end encryption is busy does not delay the others: the
// wheel that they share is not kept waiting.
func TestBusyEncryptionDelaysNobodyElse(t *testing.T) {
	l := new(lock)
	l.ready.Store(true)
	s, c := &Session{}, &cryptor{machine: l}
	require.NoError(t, s.out.attach(&media{generation: 1, conn: nowhere{}}, rtp.AES256GCM, make([]byte, rtp.KeySize), c))
	p := &Player{session: s, mode: playing, ahead: time.Hour, source: record(0)}
	p.room.L = &p.mu
	now := time.Now()
	p.schedule.Start(now)
	p.take(opus(1), nil, 0)
	c.busy.Store(true)
	p.mu.Lock() // as the reader does while it waits for c
	require.Equal(t, now.Add(busyPoll), p.tick(now))
	p.mu.Unlock()
	c.busy.Store(false)
	require.Equal(t, now.Add(silenceTime), p.tick(now))
	require.Equal(t, uint64(1), p.Stats().Frames)
}

// nowhere is a transport that leads there.
type nowhere struct{ net.Conn }

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// endless is a source of 20 ms frames.
type endless struct{ frame []byte }

func (s endless) ReadFrame() ([]byte, error) { return s.frame, nil }

// BenchmarkPlayers has 500 players, each with a socket of its own. An operation
// is a frame of all of them: 50 are a second.
func BenchmarkPlayers(b *testing.B) {
	const players = 500
	sink, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(b, err)
	defer sink.Close()
	v, err := New(GatewayFunc(nil), bot)
	require.NoError(b, err)
	frame := make([]byte, 160)
	frame[0] = 0xfc
	all := make([]*Player, players)
	for i := range all {
		nc, err := net.Dial("udp", sink.LocalAddr().String())
		require.NoError(b, err)
		defer nc.Close()
		s, err := newSession(v, guild, lobby, nil)
		require.NoError(b, err)
		require.NoError(b, s.out.attach(&media{generation: 1, conn: nc}, rtp.AES256GCM, make([]byte, rtp.KeySize), nil))
		all[i], err = s.Play(b.Context(), endless{frame})
		require.NoError(b, err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	<-time.After(time.Duration(b.N) * 20 * ms)
	passed := time.Since(start)
	b.StopTimer()
	var sum histogram.Histogram
	frames := uint64(0)
	for _, p := range all {
		p.mu.Lock()
		sum.Add(&p.lateness)
		frames += p.stats.Frames
		p.mu.Unlock()
		p.session.end(ErrLeft)
		_ = p.Wait(b.Context())
	}
	b.ReportMetric(float64(frames)/players/passed.Seconds(), "frames/s")
	b.ReportMetric(float64(sum.Quantile(0.5).Microseconds()), "p50-us")
	b.ReportMetric(float64(sum.Quantile(0.99).Microseconds()), "p99-us")
	b.ReportMetric(float64(sum.Max().Microseconds()), "max-us")
}
