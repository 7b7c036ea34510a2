package main

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// A comparison is a source that remembers what it gave, beside what another bot
// heard of it.
type comparison struct {
	pcm.Source
	mu    sync.Mutex // guards what follows
	said  thinned
	heard thinned
	moved chan struct{} // closed and made anew when more is heard
}

// most is what is remembered: a minute.
const most = 60 * pcm.Rate / third

// third is what is left of the samples: enough to compare.
const third = 3

func newComparison(s pcm.Source) *comparison {
	return &comparison{Source: s, moved: make(chan struct{})}
}

// ReadPCM implements pcm.Source.
func (c *comparison) ReadPCM(p []float32) (int, error) {
	n, err := c.Source.ReadPCM(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said.add(p[:n])
	return n, err
}

// thinned is every third sample of the left channel.
type thinned struct {
	p    []float32
	next int // values until the next one
}

func (t *thinned) add(p []float32) {
	for ; t.next < len(p) && len(t.p) < most; t.next += third * pcm.Channels {
		t.p = append(t.p, p[t.next])
	}
	t.next -= len(p)
}

// hear has a bot listen until stop is called.
func (c *comparison) hear(ctx context.Context, b *bot) (stop func(), err error) {
	r, err := pcm.NewReceiver(b.session, pcm.ReceiverConfig{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			chunk, err := r.Next(ctx)
			if err != nil {
				return
			}
			c.mu.Lock()
			c.heard.add(chunk.PCM)
			close(c.moved)
			c.moved = make(chan struct{})
			c.mu.Unlock()
		}
	})
	return func() { cancel(); running.Wait() }, nil
}

// quietTime is after which silence everything that was said has been heard.
const quietTime = time.Second

// result returns how alike both are, and how much was heard.
func (c *comparison) result(ctx context.Context) (alike float64, heard time.Duration) {
	for {
		c.mu.Lock()
		moved := c.moved
		c.mu.Unlock()
		select {
		case <-moved:
			continue
		case <-time.After(quietTime):
		case <-ctx.Done():
		}
		break
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	alike, _ = match(c.said.p, c.heard.p, pcm.Rate/third/2)
	return alike, time.Duration(len(c.heard.p)) * third * time.Second / pcm.Rate
}

// match returns the largest correlation of two sounds when the second is late, up
// to a limit, and by how many samples it is.
func match(a, b []float32, limit int) (best float64, late int) {
	for shift := range min(limit, len(b)) {
		var ab, aa, bb float64
		for i := range min(len(a), len(b)-shift) {
			x, y := float64(a[i]), float64(b[i+shift])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		if c := ab / math.Sqrt(aa*bb+1e-30); c > best && min(len(a), len(b)-shift) > len(a)/2 {
			best, late = c, shift
		}
	}
	return best, late
}
