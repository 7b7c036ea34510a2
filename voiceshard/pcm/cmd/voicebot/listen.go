package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// listen writes what each user says, or gives it to a program.
func listen(ctx context.Context, o *options, own, other *bot) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var talking sync.WaitGroup
	defer talking.Wait()
	if other != nil { // a user has to say something
		talking.Go(func() {
			_ = sample(ctx, other, time.Second)
			select { // and has to be heard
			case <-time.After(2 * time.Second):
			case <-ctx.Done():
			}
			cancel(errTime)
		})
	}
	do := record
	if o.program != "" {
		do = recognize
	}
	if err := do(ctx, o, own); !errors.Is(err, errTime) {
		return err
	}
	return nil
}

// sample says something that is easy to recognize.
func sample(ctx context.Context, b *bot, d time.Duration) error {
	e, err := pcm.NewEncoder(pcm.Sweep(200, 2000, 0.4, d), pcm.EncoderConfig{Bitrate: 64_000})
	if err != nil {
		return err
	}
	p, err := b.session.Play(ctx, e)
	if err != nil {
		return err
	}
	return p.Wait(ctx)
}

// A wavFile is the recording of a user.
type wavFile struct {
	name string
	f    *os.File
	w    *pcm.WAVWriter
	a    *pcm.Aligned
}

// record writes a WAV file for each user. All begin together.
func record(ctx context.Context, o *options, own *bot) (err error) {
	r, err := pcm.NewReceiver(own.session, pcm.ReceiverConfig{})
	if err != nil {
		return err
	}
	files := make(map[snowflake.ID]*wavFile)
	defer func() {
		for user, f := range files {
			err = errors.Join(err, f.w.Close(), f.f.Close())
			fmt.Fprintf(o.out, "user=%v file=%s length=%v\n", user, f.name, (time.Duration(f.w.Samples()) * time.Second / pcm.Rate).Round(time.Millisecond))
		}
	}()
	for {
		c, err := r.Next(ctx)
		if err != nil {
			return err
		}
		f := files[c.User]
		if f == nil {
			if f, err = create(o.dir, c.User, r); err != nil {
				return err
			}
			files[c.User] = f
		}
		if err := f.a.Write(c); err != nil {
			return err
		}
	}
}

// create makes a file that does not exist yet, for the owner's eyes only.
func create(dir string, user snowflake.ID, r *pcm.Receiver) (*wavFile, error) {
	name := filepath.Join(dir, user.String()+".wav")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	for n := 2; errors.Is(err, os.ErrExist) && n < 1000; n++ {
		name = filepath.Join(dir, fmt.Sprintf("%v-%d.wav", user, n))
		f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, err
	}
	w, err := pcm.NewWAVWriter(f, pcm.Format{})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &wavFile{name: name, f: f, w: w, a: pcm.NewAligned(w, r)}, nil
}

// recognize gives each utterance to a program, which prints what it understood.
func recognize(ctx context.Context, o *options, own *bot) error {
	r, err := pcm.NewReceiver(own.session, pcm.ReceiverConfig{Speech: true})
	if err != nil {
		return err
	}
	u, err := pcm.NewUtterances(r, pcm.UtteranceConfig{})
	if err != nil {
		return err
	}
	for {
		next, err := u.Next(ctx)
		if err != nil {
			return err
		}
		if next.Began {
			continue
		}
		text, err := o.understand(ctx, next, r)
		if err != nil {
			return err
		}
		fmt.Fprintf(o.out, "user=%v from=%v to=%v text=%q\n", next.User, next.Start.Round(time.Millisecond), next.End.Round(time.Millisecond), text)
	}
}

// understand runs the program on an utterance.
func (o *options) understand(ctx context.Context, u *pcm.Utterance, r *pcm.Receiver) (string, error) {
	hertz, channels := r.Rate()
	var in, out, said bytes.Buffer
	w, err := pcm.NewWAVWriter(&in, pcm.Format{Rate: hertz, Channels: channels})
	if err == nil {
		err = errors.Join(w.WritePCM(u.PCM), w.Close())
	}
	if err != nil {
		return "", err
	}
	words := strings.Fields(o.program)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", words[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return string(bytes.TrimSpace(out.Bytes())), nil
}
