package main

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceshard"
)

// A comparison holds what was said against what was heard, frame by frame. It
// is safe for concurrent use.
type comparison struct {
	seed maphash.Seed

	mu      sync.Mutex // guards what follows
	said    []uint64   // hashes of the frames that were not heard yet
	heard   uint64     // packets whose frames are as they were said
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
	c.said = append(c.said, c.hashes(opus)...)
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

// hashes returns a hash for each frame of an Opus packet: a player sends large
// packets in parts.
func (c *comparison) hashes(opus []byte) []uint64 {
	frames, err := rtp.AppendFrames(nil, opus)
	if err != nil {
		return []uint64{maphash.Bytes(c.seed, opus)}
	}
	hashes := make([]uint64, 0, len(frames))
	for _, f := range frames {
		var h maphash.Hash
		h.SetSeed(c.seed)
		_ = h.WriteByte(opus[0] &^ 3)
		_, _ = h.Write(f)
		hashes = append(hashes, h.Sum64())
	}
	return hashes
}

// match looks for the frames of a packet among those that were said. The caller
// holds mu.
func (c *comparison) match(opus []byte) {
	want := c.hashes(opus)
	at := slices.Index(c.said, want[0])
	found := at >= 0 && at+len(want) <= len(c.said) && slices.Equal(c.said[at:at+len(want)], want)
	switch {
	case found && (at == 0 || string(opus) != silence):
		c.pass(at)
		c.said = c.said[len(want):]
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
