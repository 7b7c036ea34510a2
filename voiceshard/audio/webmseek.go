package audio

import (
	"cmp"
	"io"
	"math"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
)

// Seek implements [Seeker]. Without cues it goes through the file from the
// beginning, or from where it is.
func (r *WebMReader) Seek(to time.Duration) error {
	if r.in.seeker == nil {
		return ErrNotSeekable
	}
	want := max(to-preRoll*time.Second/rtp.SampleRate, 0)
	if r.waiting != nil {
		r.pass(r.waiting)
		r.waiting = nil
	}
	at, indexed := r.nearest(want)
	if indexed || want < r.at || r.failed != nil {
		if r.failed = r.jump(at); r.failed != nil {
			return r.failed
		}
	}
	r.from = want
	return r.forward()
}

// nearest returns the offset of the cluster that a time is in if there are
// cues, and of the first cluster otherwise.
func (r *WebMReader) nearest(want time.Duration) (offset int64, indexed bool) {
	r.loadCues()
	ticks := uint64(min(want, math.MaxInt64-r.track.delay)+r.track.delay) / uint64(r.tick)
	i, _ := slices.BinarySearchFunc(r.cues, ticks+1, func(c cue, ticks uint64) int { return cmp.Compare(c.ticks, ticks) })
	if i == 0 {
		return r.cluster, false
	}
	return r.segment + int64(r.cues[i-1].cluster), true
}

// jump goes to a cluster. If there is none, the cues are wrong.
func (r *WebMReader) jump(at int64) error {
	if err := r.in.seek(at); err != nil {
		return err
	}
	if b, _ := r.in.Peek(len(clusterMagic)); string(b) != clusterMagic {
		r.cues = nil
		if err := r.in.seek(r.cluster); err != nil {
			return err
		}
	}
	r.began, r.at, r.known = 0, 0, false
	r.block.sizes, r.next, r.until = r.block.sizes[:0], 0, math.MaxInt64
	return nil
}

// forward goes to the first packet that is to be heard.
func (r *WebMReader) forward() error {
	for {
		p, err := r.peek()
		if err == io.EOF {
			return nil // ReadFrame says so again
		}
		if err != nil {
			return err
		}
		if d, _ := rtp.Duration(p); r.at+d > r.from && r.at < r.until {
			r.waiting = p
			return nil
		}
		r.pass(p)
	}
}
