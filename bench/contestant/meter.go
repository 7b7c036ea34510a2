package contestant

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/discordpkg/gateway/bench/process"
)

// A Figure is what one event costs.
type Figure struct {
	CPU    float64 // processor time of the whole process, in ns
	Wall   float64 // ns
	Allocs float64
	Bytes  float64 // allocated
}

// A Meter measures what happens between two marks.
type Meter struct {
	mu    sync.Mutex
	marks int
	begin sample
	end   sample
	done  chan struct{}
}

// NewMeter returns a meter that has seen no mark.
func NewMeter() *Meter { return &Meter{done: make(chan struct{})} }

// Mark begins to measure when called for the first time, and ends it when
// called for the second time.
func (m *Meter) Mark() {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.marks++; m.marks {
	case 1:
		runtime.GC()
		m.begin = take()
	case 2:
		m.end = take()
		close(m.done)
	}
}

// Done is closed by the second mark.
func (m *Meter) Done() <-chan struct{} { return m.done }

var errUnmeasured = errors.New("contestant: there is no processor time to read")

// Figure returns the costs of one of so many events.
func (m *Meter) Figure(events int) (f Figure, err error) {
	<-m.done
	n, a, b := float64(events), m.begin, m.end
	if b.cpu == a.cpu {
		return f, errUnmeasured
	}
	return Figure{
		CPU:    float64(b.cpu-a.cpu) / n,
		Wall:   float64(b.at.Sub(a.at)) / n,
		Allocs: float64(b.mallocs-a.mallocs) / n,
		Bytes:  float64(b.bytes-a.bytes) / n,
	}, nil
}

// A sample is what the process has used so far.
type sample struct {
	at      time.Time
	cpu     time.Duration
	mallocs uint64
	bytes   uint64
}

func take() sample {
	cpu := process.CPUTime()
	at := time.Now()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return sample{at, cpu, m.Mallocs, m.TotalAlloc}
}
