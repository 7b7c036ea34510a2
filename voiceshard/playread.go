package voiceshard

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// A seekRequest asks the reader to go elsewhere.
type seekRequest struct {
	to   time.Duration
	done chan error // holds one
}

// Seek goes on elsewhere in the source, shortly before to, as [audio.Seeker]
// says. A paused player stays paused.
//
// It waits for the source, which may be busy with reading. The error is
// [audio.ErrNotSeekable], what the source says, [ErrPlayed], or that of ctx, in
// which case it may still happen.
func (p *Player) Seek(ctx context.Context, to time.Duration) error {
	if _, ok := p.source.(audio.Seeker); !ok {
		return audio.ErrNotSeekable
	}
	p.seeking.Lock()
	defer p.seeking.Unlock()
	r := &seekRequest{to: to, done: make(chan error, 1)}
	p.mu.Lock()
	p.seek = r
	p.room.Signal()
	p.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-p.done:
		return ErrPlayed
	case <-ctx.Done():
		return fmt.Errorf("voiceshard: seek: %w", context.Cause(ctx))
	}
}

// read reads the source until the player is over.
func (p *Player) read() {
	defer close(p.done)
	defer func() { <-p.silent }()
	p.measure()
	at := time.Duration(0)
	for {
		r, ok := p.wait()
		switch {
		case !ok:
			return
		case r != nil:
			at = p.goElsewhere(r, at)
		default:
			opus, err := p.source.ReadFrame()
			at = p.take(opus, err, at)
		}
	}
}

// measure asks the source how long it is.
func (p *Player) measure() {
	l, ok := p.source.(audio.Lengther)
	if !ok {
		return
	}
	length, ok := l.Length()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.length, p.bounded = length, ok
}

// wait waits for something to do: a seek, or room for a frame if r is nil. It
// reports false if the player is over.
func (p *Player) wait() (r *seekRequest, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		full := p.queue.n > 0 && p.queue.time >= p.ahead
		switch {
		case p.mode == over:
			return nil, false
		case p.seek != nil:
			return p.seek, true
		case !p.ended && !full:
			return nil, true
		}
		p.room.Wait()
	}
}

// take takes what the source said, and returns the end of the frame in it.
func (p *Player) take(opus []byte, err error, at time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	length, broken := rtp.Duration(opus)
	switch {
	case err != nil:
		p.ended = true
		if err != io.EOF && p.mode != over && !p.stopped {
			p.err = fmt.Errorf("%w: %w", ErrSource, err)
		}
	case broken != nil || p.enqueue(opus, length, &at) != nil:
		p.stats.Refused++
		p.stats.LargestRefused = max(p.stats.LargestRefused, len(opus))
		return at
	}
	switch {
	case p.mode == filling:
		p.begin(time.Now())
	case p.mode == playing && !p.offline:
		p.queue.seal(&p.session.out)
	}
	return at
}

// enqueue queues a packet, in parts if it is too large for a datagram, and moves
// the position to its end. The caller holds mu.
func (p *Player) enqueue(opus []byte, length time.Duration, at *time.Duration) error {
	end := *at + length
	if s, ok := p.source.(audio.Positioner); ok {
		end = s.Position()
	}
	begin := end - length
	err := p.session.out.split(opus, func(part []byte) {
		d, _ := rtp.Duration(part)
		begin += d
		p.queue.push(part, d, begin)
	})
	if err == nil {
		*at = end
	}
	return err
}

// goElsewhere seeks, and returns the position in the source.
func (p *Player) goElsewhere(r *seekRequest, at time.Duration) time.Duration {
	err := p.source.(audio.Seeker).Seek(r.to) // what is queued plays on meanwhile
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seek == r {
		p.seek = nil
	}
	if err == nil {
		at = max(r.to, 0)
		if s, ok := p.source.(audio.Positioner); ok {
			at = s.Position()
		}
		p.restart(at)
	}
	r.done <- err
	return at
}

// restart forgets the frames that are queued. The caller holds mu.
func (p *Player) restart(at time.Duration) {
	if p.mode == over || p.stopped {
		return
	}
	p.queue.unseal(&p.session.out)
	p.queue.clear()
	p.ended, p.position, p.err = false, at, nil
	if p.mode == playing || p.mode == fading && p.then != paused {
		p.goTo(filling)
	}
}
