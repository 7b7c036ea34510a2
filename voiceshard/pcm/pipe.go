package pcm

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// A Pipe is a [Source] that gives out what was written into it: what is heard of
// one call, for another one, or what a synthesizer speaks. It holds up to a limit.
// It is safe for concurrent use, by one reader and one writer.
type Pipe struct {
	mu    sync.Mutex // guards what follows
	room  sync.Cond  // there is something to read, or room to write
	ring  []float32
	first int
	n     int
	drops bool
	lost  uint64 // values
	err   error  // of CloseWithError
	gone  bool   // the reader has closed
}

// NewPipe returns a pipe that holds so much sound. If drops is true a write never
// waits: the oldest sound makes room, and is counted. Otherwise it waits.
func NewPipe(limit time.Duration, drops bool) (*Pipe, error) {
	n := valuesIn(limit)
	if limit <= 0 || n < blockValues || limit > maxPipe {
		return nil, fmt.Errorf("pcm: a pipe for %v of sound: from 2.5 ms to %v", limit, maxPipe)
	}
	p := &Pipe{ring: make([]float32, n), drops: drops}
	p.room.L = &p.mu
	return p, nil
}

// maxPipe bounds the memory of a pipe: 230 MB.
const maxPipe = 10 * time.Minute

// WritePCM writes interleaved stereo. The error is [ErrClosed] after Close of
// either end.
func (p *Pipe) WritePCM(values []float32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(values)%Channels != 0 {
		return fmt.Errorf("pcm: %d values are no whole samples of %d channels", len(values), Channels)
	}
	for len(values) > 0 {
		if p.err != nil || p.gone {
			return ErrClosed
		}
		free := len(p.ring) - p.n
		if p.drops && free < len(values) {
			k := min(len(values)-free, p.n)
			p.first, p.n = (p.first+k)%len(p.ring), p.n-k
			p.lost += uint64(k)
			if over := len(values) - len(p.ring); over > 0 {
				values = values[over:]
				p.lost += uint64(over)
			}
			free = len(p.ring) - p.n
		}
		if free == 0 {
			p.room.Wait()
			continue
		}
		k := min(free, len(values))
		for i, v := range values[:k] {
			p.ring[(p.first+p.n+i)%len(p.ring)] = v
		}
		p.n += k
		values = values[k:]
		p.room.Broadcast()
	}
	return nil
}

// CloseWithError ends the pipe: the reader gets what is in it, and then the error,
// io.EOF if it is nil.
func (p *Pipe) CloseWithError(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		err = io.EOF
	}
	if p.err == nil {
		p.err = err
	}
	p.room.Broadcast()
}

// Close ends the pipe at once, for both ends.
func (p *Pipe) Close() error {
	p.CloseWithError(io.EOF)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone, p.n = true, 0
	p.room.Broadcast()
	return nil
}

// Clear forgets what is in the pipe: an assistant that is interrupted falls silent.
func (p *Pipe) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n = 0
	p.room.Broadcast()
}

// Buffered returns how much sound is in the pipe.
func (p *Pipe) Buffered() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return span(int64(p.n))
}

// Lost returns how much sound made room for newer sound.
func (p *Pipe) Lost() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return span(int64(p.lost))
}

// ReadPCM implements [Source]. It waits while the pipe is empty.
func (p *Pipe) ReadPCM(values []float32) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.n == 0 && p.err == nil && len(values) > 0 {
		p.room.Wait()
	}
	return p.take(values)
}

func (p *Pipe) tryReadPCM(values []float32) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.take(values)
}

// take reads what there is. The caller holds mu.
func (p *Pipe) take(values []float32) (int, error) {
	if p.n == 0 {
		return 0, p.err
	}
	k := min(len(values), p.n)
	for i := range k {
		values[i] = p.ring[(p.first+i)%len(p.ring)]
	}
	p.first, p.n = (p.first+k)%len(p.ring), p.n-k
	p.room.Broadcast()
	return k, nil
}

// A Buffer reads a source ahead, in a goroutine of its own: for sources that wait,
// such as another program's output, in a [Mixer].
type Buffer struct {
	*Pipe
	done chan struct{}
}

// NewBuffer begins to read a source, up to so much ahead. The caller closes the
// buffer, and whatever the source reads from first if that may wait for ever.
func NewBuffer(s Source, ahead time.Duration) (*Buffer, error) {
	if s == nil {
		return nil, errors.New("pcm: a buffer without a source")
	}
	p, err := NewPipe(ahead, false)
	if err != nil {
		return nil, err
	}
	b := &Buffer{Pipe: p, done: make(chan struct{})}
	go b.fill(s)
	return b, nil
}

func (b *Buffer) fill(s Source) {
	defer close(b.done)
	values := make([]float32, frameValues)
	for empty := 0; empty < maxEmptyReads; empty++ {
		n, err := s.ReadPCM(values)
		if n > 0 {
			empty = 0
		}
		if b.WritePCM(values[:n]) != nil {
			return
		}
		if err != nil {
			b.CloseWithError(err)
			return
		}
	}
	b.CloseWithError(io.ErrNoProgress)
}

// Close ends the buffer, and returns when the source is read no more.
func (b *Buffer) Close() error {
	err := b.Pipe.Close()
	<-b.done
	return err
}
