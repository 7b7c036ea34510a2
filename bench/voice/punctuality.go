package main

import (
	"slices"
	"time"
)

// A punctuality is how exactly packets kept their time.
type punctuality struct {
	late    []int64 // nanoseconds, of all packets
	drifts  []int64 // of all calls
	skipped int64   // the most of any call
}

// offsets returns by how much each packet between two times was sent after
// multiples of the frame time.
func offsets(times []int64, from, to int64) (list []int64) {
	for k, t := range times {
		if t >= from && t < to {
			list = append(list, t-int64(k)*int64(frameTime))
		}
	}
	return list
}

// note adds the packets of one call. None is earlier than its schedule says,
// and within a second some are hardly late: so the schedule is the least offset
// of the second that begins with a packet.
func (p *punctuality) note(times []int64, from, to int64) {
	offsets := offsets(times, from, to)
	window := min(int(time.Second/frameTime), len(offsets)/2)
	if window == 0 {
		return
	}
	var drift, skipped, last int64
	for k, o := range offsets {
		schedule := slices.Min(offsets[k:min(k+window, len(offsets))])
		p.late = append(p.late, o-schedule)
		if k > len(offsets)-window {
			continue // less than a second
		}
		switch step := schedule - last; {
		case k == 0:
		case max(step, -step) > int64(frameTime):
			skipped += step // back again if a whole second was late
		default:
			drift += step
		}
		last = schedule
	}
	p.drifts, p.skipped = append(p.drifts, max(drift, -drift)), max(p.skipped, skipped)
}

// tell makes figures of what was noted.
func (p *punctuality) tell(c *concert) {
	if c.Packets = len(p.late); c.Packets == 0 {
		return
	}
	slices.Sort(p.late)
	slices.Sort(p.drifts)
	at := func(sorted []int64, share float64) time.Duration {
		return time.Duration(sorted[int(share*float64(len(sorted)-1))])
	}
	c.P50, c.P99, c.Max = at(p.late, 0.5), at(p.late, 0.99), at(p.late, 1)
	c.Drift, c.Skipped = at(p.drifts, 0.5), time.Duration(p.skipped)
}
