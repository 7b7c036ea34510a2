package pace

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway/internal/rtp"
)

const ms = time.Millisecond

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTasksAreCalledOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		start := time.Now()
		var calls []time.Duration
		for i := range 5 {
			n := 0
			length := time.Duration(i+1) * 10 * ms
			w.Schedule(NewTask(func(now time.Time) time.Time {
				calls = append(calls, now.Sub(start))
				require.Equal(t, start.Add(time.Duration(n)*length), now, "no drift")
				if n++; n == 10 {
					return time.Time{}
				}
				return now.Add(length)
			}), start)
		}
		require.Equal(t, 5, w.Len())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, calls, 50)
		require.IsNonDecreasing(t, calls)
		require.Zero(t, w.Len())
		h := w.Lateness()
		require.EqualValues(t, 50, h.Count())
		require.Zero(t, h.Max())
		require.False(t, w.running, "the goroutine is gone")
	})
}

func TestScheduleEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		start := time.Now()
		var called []time.Duration
		task := NewTask(func(now time.Time) time.Time {
			called = append(called, now.Sub(start))
			return time.Time{}
		})
		w.Schedule(task, start.Add(time.Hour))
		synctest.Wait()
		w.Schedule(task, start.Add(time.Second))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Second}, called)

		start = time.Now()
		w.Schedule(task, start.Add(time.Second))
		synctest.Wait()
		w.Schedule(task, start.Add(time.Minute))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Second, time.Minute}, called)

		start = time.Now()
		w.Schedule(task, start.Add(-time.Second))
		synctest.Wait()
		require.Zero(t, called[2], "at once")
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		task := NewTask(func(time.Time) time.Time { panic("called") })
		other := NewTask(func(time.Time) time.Time { return time.Time{} })
		w.Cancel(task) // is not there
		w.Schedule(task, time.Now().Add(time.Second))
		w.Schedule(other, time.Now().Add(time.Minute))
		w.Cancel(task)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, w.Len())
		w.Cancel(other)
		synctest.Wait()
		require.False(t, w.running, "the goroutine ends at once")
		w.Schedule(other, time.Now())
		synctest.Wait()
		require.Zero(t, w.Len())
	})
}

func TestTasksThatScheduleThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		start := time.Now()
		var at []time.Duration
		var task *Task
		task = NewTask(func(now time.Time) time.Time {
			at = append(at, now.Sub(start))
			switch len(at) {
			case 1:
				w.Schedule(task, now.Add(time.Minute))
			case 2:
				w.Cancel(task)
			}
			return now.Add(time.Second) // does not count
		})
		w.Schedule(task, start)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []time.Duration{0, time.Minute}, at)
	})
}

func TestManyAtOnce(t *testing.T) {
	var w Wheel
	var calls atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			done := make(chan struct{})
			n := 0
			task := NewTask(func(now time.Time) time.Time {
				calls.Add(1)
				if n++; n == 20 {
					close(done)
					return time.Time{}
				}
				return now.Add(time.Duration(rand.IntN(1000)) * time.Microsecond)
			})
			dropped := NewTask(func(now time.Time) time.Time { return now.Add(ms) })
			w.Schedule(dropped, time.Now())
			w.Schedule(task, time.Now())
			<-done
			w.Cancel(dropped)
		})
	}
	wg.Wait()
	require.EqualValues(t, 1000, calls.Load())
}

func TestSchedule(t *testing.T) {
	start := time.Now()
	s := Schedule{CatchUp: 100 * ms}
	s.Start(start)
	now := start
	sent := 0
	frame := func() {
		if s.CatchUpTo(now) != 0 {
			t.Fatal("made up for too little")
		}
		sent++
		s.Advance(20 * ms)
	}
	for range 180_000 { // an hour, each frame late
		now = s.Due().Add(3 * ms)
		frame()
	}
	require.Equal(t, start.Add(time.Hour), s.Due(), "no drift")

	now = s.Due().Add(90 * ms) // a short stall is made up for
	for sent = 0; !s.Due().After(now); {
		frame()
	}
	require.Equal(t, 5, sent)
	require.Zero(t, s.Skipped())

	now = s.Due().Add(time.Second) // a long one for a part
	require.Equal(t, 900*ms, s.CatchUpTo(now))
	for sent = 0; !s.Due().After(now); {
		frame()
	}
	require.Equal(t, 6, sent)
	require.Equal(t, 900*ms, s.Skipped())
}

func TestDoesNotAllocate(t *testing.T) {
	var w Wheel
	called := make(chan struct{})
	task := NewTask(func(time.Time) time.Time {
		called <- struct{}{}
		return time.Time{}
	})
	later := NewTask(func(time.Time) time.Time { return time.Time{} })
	w.Schedule(later, time.Now().Add(time.Hour)) // the goroutine goes on
	require.Zero(t, testing.AllocsPerRun(100, func() {
		w.Schedule(task, time.Now())
		<-called
		w.Schedule(later, time.Now().Add(time.Hour))
	}))
	w.Cancel(later)
}

// BenchmarkSenders has 500 senders of 20 ms each, which encrypt their packets
// ahead and write them to sockets. An operation is a frame of all of them: 50
// are a second, so that -benchtime 3000x is a minute.
func BenchmarkSenders(b *testing.B) {
	const senders, length = 500, 20 * ms
	sink, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(b, err)
	defer sink.Close()
	var w Wheel
	var wg sync.WaitGroup
	var skipped, drift atomic.Int64
	start := time.Now()
	wg.Add(senders)
	for range senders {
		conn, err := net.Dial("udp", sink.LocalAddr().String())
		require.NoError(b, err)
		defer conn.Close()
		sealer, err := rtp.NewSealer(rtp.AES256GCM, make([]byte, rtp.KeySize), rtp.ClientNonces())
		require.NoError(b, err)
		stream := rtp.Stream{}
		packet, frame := make([]byte, 0, 300), make([]byte, 160)
		s := Schedule{CatchUp: 100 * ms}
		first := start.Add(time.Duration(rand.Int64N(int64(length)))).Add(100 * ms)
		s.Start(first)
		n := 0
		task := NewTask(func(now time.Time) time.Time {
			skipped.Add(int64(s.CatchUpTo(now)))
			_, _ = conn.Write(packet)
			p := rtp.Packet{Header: stream.Next(960), Payload: frame}
			k, _ := p.MarshalTo(packet[:cap(packet)])
			packet, _ = sealer.Seal(packet[:k])
			s.Advance(length)
			if n++; n < b.N {
				return s.Due()
			}
			drift.Store(max(drift.Load(), int64((time.Until(first) + time.Duration(n-1)*length).Abs())))
			wg.Done()
			return time.Time{}
		})
		w.Schedule(task, s.Due())
	}
	b.ReportAllocs()
	b.ResetTimer()
	wg.Wait()
	h := w.Lateness()
	b.ReportMetric(float64(h.Quantile(0.5).Microseconds()), "p50-us")
	b.ReportMetric(float64(h.Quantile(0.99).Microseconds()), "p99-us")
	b.ReportMetric(float64(h.Max().Microseconds()), "max-us")
	b.ReportMetric(float64(skipped.Load())/1e3, "skipped-us")
	b.ReportMetric(float64(drift.Load())/1e3, "drift-us")
}
