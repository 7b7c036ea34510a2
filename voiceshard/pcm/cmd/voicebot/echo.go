package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// echoAhead is how much of the echo is encrypted ahead: the less, the sooner it is heard.
const echoAhead = 40 * time.Millisecond

// echo repeats what is said: it receives, decodes, encodes and sends.
func echo(ctx context.Context, o *options, own, other *bot) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var repeating sync.WaitGroup
	defer repeating.Wait()
	failed := make(chan error, 1)
	repeating.Go(func() {
		failed <- repeat(ctx, o, own)
		cancel()
	})
	if other == nil {
		<-ctx.Done()
		return errors.Join(<-failed, nil)
	}
	late, alike, err := measure(ctx, other)
	cancel()
	if err == nil {
		fmt.Fprintf(o.out, "delay=%v likeness=%.3f\n", late.Round(time.Millisecond), alike)
	}
	if e := <-failed; err == nil && !errors.Is(e, context.Canceled) {
		err = e
	}
	return err
}

// repeat says what it hears until ctx ends.
func repeat(ctx context.Context, o *options, own *bot) error {
	r, err := pcm.NewReceiver(own.session, pcm.ReceiverConfig{})
	if err != nil {
		return err
	}
	pipe, err := pcm.NewPipe(time.Second, true) // what is older than that is not worth an echo
	if err != nil {
		return err
	}
	defer pipe.Close()
	e, err := pcm.NewEncoder(pipe, pcm.EncoderConfig{Voice: true, Bitrate: o.bitrate})
	if err != nil {
		return err
	}
	player, err := own.session.Play(ctx, e, voiceshard.WithLookAhead(echoAhead))
	if err != nil {
		return err
	}
	defer player.Stop()
	for {
		c, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if err := pipe.WritePCM(c.PCM); err != nil {
			return err
		}
	}
}

// measure says something and returns by how much later it comes back.
func measure(ctx context.Context, b *bot) (late time.Duration, alike float64, err error) {
	const length = 2 * time.Second
	said := newComparison(pcm.Sweep(200, 2000, 0.4, length))
	stamped := &firstRead{Source: said}
	r, err := pcm.NewReceiver(b.session, pcm.ReceiverConfig{})
	if err != nil {
		return 0, 0, err
	}
	e, err := pcm.NewEncoder(stamped, pcm.EncoderConfig{Bitrate: 64_000})
	if err != nil {
		return 0, 0, err
	}
	player, err := b.session.Play(ctx, e, voiceshard.WithLookAhead(0))
	if err != nil {
		return 0, 0, err
	}
	defer player.Stop()
	within, cancel := context.WithTimeout(ctx, length+3*time.Second)
	defer cancel()
	var first time.Time // arrival of what comes back
	var heard thinned
	for len(heard.p) < int(length.Seconds()*pcm.Rate/third*9/10) {
		c, err := r.Next(within)
		if err != nil {
			return 0, 0, fmt.Errorf("nothing came back: %w", err)
		}
		if first.IsZero() {
			first = time.Now()
		}
		heard.add(c.PCM)
	}
	alike, shift := match(said.said.p, heard.p, pcm.Rate/third)
	late = first.Sub(stamped.at) + time.Duration(shift)*third*time.Second/pcm.Rate
	return late, alike, nil
}

// firstRead notes when its first values were read.
type firstRead struct {
	pcm.Source
	at time.Time
}

func (f *firstRead) ReadPCM(p []float32) (int, error) {
	if f.at.IsZero() {
		f.at = time.Now()
	}
	return f.Source.ReadPCM(p)
}
