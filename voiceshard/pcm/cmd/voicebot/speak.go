package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/pcm"
	_ "github.com/discordpkg/gateway/voiceshard/pcm/flac"   // formats of play
	_ "github.com/discordpkg/gateway/voiceshard/pcm/mp3"    //
	_ "github.com/discordpkg/gateway/voiceshard/pcm/vorbis" //
)

// play plays a file.
func play(ctx context.Context, o *options, own, other *bot) error {
	file, err := pcm.Open(o.args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	return speak(ctx, o, own, other, file, pcm.EncoderConfig{Bitrate: o.bitrate})
}

// defaultSynthesizer prints a WAV file.
const defaultSynthesizer = "espeak-ng --stdout"

// say speaks what a synthesizer prints.
func say(ctx context.Context, o *options, own, other *bot) error {
	program := o.program
	if program == "" {
		program = defaultSynthesizer
	}
	words := strings.Fields(program)
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], strings.Join(o.args, " "))...)
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%w: install it (apt install espeak-ng), or name another one with -program", err)
		}
		return err
	}
	source, err := pcm.NewReader(stdout)
	if err == nil {
		err = speak(ctx, o, own, other, source, pcm.EncoderConfig{Voice: true, Bitrate: o.bitrate})
	}
	_, _ = io.Copy(io.Discard, stdout) // what waits to be read keeps the program alive
	if failed := cmd.Wait(); failed != nil && ctx.Err() == nil {
		err = errors.Join(err, fmt.Errorf("%s: %w: %s", words[0], failed, bytes.TrimSpace(said.Bytes())))
	}
	return err
}

// louder returns a source at the volume that the options name.
func (o *options) louder(source pcm.Source) (pcm.Source, error) {
	if o.volume == 1 {
		return source, nil
	}
	mixer, err := pcm.NewMixer(pcm.MixerConfig{EndsEmpty: true})
	if err != nil {
		return nil, err
	}
	track, err := mixer.Add(source, pcm.TrackConfig{})
	if err != nil {
		return nil, err
	}
	return mixer, track.SetGain(o.volume, 0)
}

// speak plays a source, and with the local Discord compares what was heard.
func speak(ctx context.Context, o *options, own, other *bot, source pcm.Source, config pcm.EncoderConfig) error {
	source, err := o.louder(source)
	if err != nil {
		return err
	}
	var match *comparison
	if other != nil {
		match = newComparison(source)
		source = match
		stop, err := match.hear(ctx, other)
		if err != nil {
			return err
		}
		defer stop()
	}
	encoder, err := pcm.NewEncoder(source, config)
	if err != nil {
		return err
	}
	player, err := own.session.Play(ctx, encoder, voiceshard.WithClose())
	if err != nil {
		return err
	}
	if err := player.Wait(ctx); err != nil {
		return err
	}
	stats := encoder.Stats()
	fmt.Fprintf(o.out, "played=%v packets=%d kbps=%.1f clipped=%d", encoder.Position().Round(time.Millisecond), stats.Frames,
		float64(stats.Bytes)*8/1000/max(encoder.Position().Seconds(), 0.02), stats.Clipped)
	if match != nil {
		like, heard := match.result(ctx)
		fmt.Fprintf(o.out, " heard=%v likeness=%.3f", heard.Round(time.Millisecond), like)
	}
	fmt.Fprintln(o.out)
	return nil
}
