// Package histogram counts durations in buckets that grow with them, so that
// percentiles of hours of packets cost a few kilobytes and no allocation.
package histogram

import (
	"math"
	"math/bits"
	"time"
)

// A bucket is 1/16 as wide as the power of two that it lies in, and a
// microsecond at least.
const (
	subBits = 4
	subs    = 1 << subBits
	octaves = 22
	buckets = subs * (octaves + 1)
)

// Limit is the longest duration that is told from longer ones, about 67 s.
const Limit = time.Duration(1<<(subBits+octaves)-1) * time.Microsecond

// A Histogram counts durations. The zero value is empty. It is not safe for
// concurrent use, and a copy of the value is a snapshot.
type Histogram struct {
	counts [buckets]uint64
	total  uint64
	sum    time.Duration
	max    time.Duration
}

// Observe counts d. A negative duration counts as zero, one above [Limit] as
// Limit, except that [Histogram.Max] has it in full.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	h.max = max(h.max, d)
	d = min(d, Limit)
	if h.sum <= math.MaxInt64-d {
		h.sum += d
	}
	h.total++
	h.counts[bucket(uint64(d/time.Microsecond))]++
}

// Count returns how many durations were observed.
func (h *Histogram) Count() uint64 { return h.total }

// Max returns the longest duration observed.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean returns the mean of what was observed, zero if nothing was.
func (h *Histogram) Mean() time.Duration {
	if h.total == 0 {
		return 0
	}
	return time.Duration(float64(h.sum) / float64(h.total))
}

// Quantile returns a duration that a share q of those observed, 0 to 1, did not
// exceed. It is too long by no more than 1/16 and a microsecond, and never
// above [Histogram.Max]. It is zero when nothing was observed.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(math.Ceil(min(max(q, 0), 1) * float64(h.total)))
	rank = min(max(rank, 1), h.total)
	var seen uint64
	for i, n := range &h.counts {
		if seen += n; seen >= rank {
			if i == buckets-1 {
				break
			}
			return min(time.Duration(upper(i))*time.Microsecond, h.max)
		}
	}
	return h.max
}

// Add counts everything that other has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range &other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	if h.sum <= math.MaxInt64-other.sum {
		h.sum += other.sum
	}
	h.max = max(h.max, other.max)
}

// bucket returns the index of a number of microseconds.
func bucket(us uint64) int {
	if us < subs {
		return int(us)
	}
	octave := bits.Len64(us) - subBits // 1 and up
	return min(octave*subs+int(us>>(octave-1))-subs, buckets-1)
}

// upper returns the first number of microseconds that is above bucket i.
func upper(i int) uint64 {
	if i < subs {
		return uint64(i) + 1
	}
	return uint64(i%subs+subs+1) << (i/subs - 1)
}
