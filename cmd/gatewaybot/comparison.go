package main

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/discordpkg/gateway/voiceshard"
)

// A comparison holds what was said against what was heard, frame by frame. It
// is safe for concurrent use.
type comparison struct {
	seed maphash.Seed

	mu      sync.Mutex // guards what follows
	said    []uint64   // hashes of the frames that nobody has heard yet
	heard   uint64     // frames that are as they were said
	passed  uint64     // frames that were not heard while later ones were
	gone    uint64     // packets that are known not to come
	wrong   uint64     // frames that nobody has said
	changed chan struct{}
}

// maxSaid bounds the frames that wait to be heard: twenty seconds of them. What
// is lost for longer is not found again.
const maxSaid = 1000

// silence is what players add at the end of a sound, and between two.
const silence = "\xf8\xff\xfe"

func newComparison() *comparison {
	return &comparison{seed: maphash.MakeSeed(), changed: make(chan struct{})}
}

// say takes a frame that will be sent.
func (c *comparison) say(opus []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, maphash.Bytes(c.seed, opus))
	if len(c.said) > maxSaid {
		c.pass(len(c.said) - maxSaid)
	}
}

// hear takes what a listener got.
func (c *comparison) hear(p *voiceshard.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch p.Verdict {
	case voiceshard.OK:
		c.match(p.Opus)
	case voiceshard.Lost, voiceshard.Undecryptable:
		c.gone += uint64(p.Count)
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// match looks for the frame among those that were said. The caller holds mu.
func (c *comparison) match(opus []byte) {
	at := slices.Index(c.said, maphash.Bytes(c.seed, opus))
	switch {
	case at >= 0 && (at == 0 || string(opus) != silence):
		c.pass(at)
		c.said = c.said[1:]
		c.heard++
	case string(opus) != silence:
		c.wrong++
	}
}

// pass gives up the oldest frames. The caller holds mu.
func (c *comparison) pass(n int) {
	c.said = c.said[n:]
	c.passed += uint64(n)
}

// result returns how many frames were heard as they were said, and how many
// that nobody has said.
func (c *comparison) result() (heard, wrong uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard, c.wrong
}

// await returns when nothing more of so many frames can come, or ctx ends.
func (c *comparison) await(ctx context.Context, frames uint64) {
	for {
		c.mu.Lock()
		done := c.heard+max(c.passed, c.gone) >= frames
		changed := c.changed
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
