package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/discordpkg/gateway/voiceshard/audio"
)

// speech is a file of a few words: see voiceshard/audio/testdata.
//
//go:embed speech.opus
var speech []byte

// A sound is a file that is ready to be played. It is a source for one player.
type sound struct {
	audio.Stream
	name  string
	loop  bool
	tap   func(opus []byte) // sees what is read, may be nil
	close func() error
}

// openSound opens what the user wants to hear. Reading standard input ends when
// ctx does, or the sound is closed.
func openSound(ctx context.Context, o *voiceOptions, stdin io.Reader) (*sound, error) {
	s := &sound{name: o.file, loop: o.loop, close: func() error { return nil }}
	var err error
	switch o.file {
	case "":
		s.name = "built-in words"
		s.Stream, err = audio.NewReader(bytes.NewReader(speech))
	case "-":
		s.name = "standard input"
		s.Stream, err = audio.NewReader(s.pipe(ctx, stdin))
	default:
		var f *audio.File
		if f, err = audio.Open(o.file); err == nil {
			s.Stream, s.close = f, f.Close
		}
	}
	if err == nil {
		err = s.begin(o.seek)
	}
	if err != nil {
		_ = s.close()
		return nil, s.explain(err)
	}
	return s, nil
}

// pipe returns standard input, such that a read can be ended. The goroutine
// that reads a terminal ends with the process only.
func (s *sound) pipe(ctx context.Context, stdin io.Reader) io.Reader {
	if f, ok := stdin.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f
		}
	}
	r, w := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = w.CloseWithError(context.Cause(ctx)) })
	s.close = func() error { stop(); return r.Close() }
	go func() {
		_, err := io.Copy(w, stdin)
		_ = w.CloseWithError(err)
	}()
	return r
}

// begin goes to where to begin.
func (s *sound) begin(at time.Duration) error {
	if at == 0 {
		return nil
	}
	if length, ok := s.Length(); ok && at >= length {
		return fmt.Errorf("-seek %v is behind the end, which is at %v", at, length.Round(time.Millisecond))
	}
	return s.Seek(at)
}

// explain says what to do about an error.
func (s *sound) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no file %s", s.name)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%s is a directory", s.name)
	case errors.Is(err, audio.ErrContainer):
		err = fmt.Errorf("%w; if it is sound, convert it: ffmpeg -i IN -c:a libopus -b:a 96k OUT.opus", err)
	}
	if strings.Contains(err.Error(), s.name) {
		return err
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// ReadFrame implements [audio.Source].
func (s *sound) ReadFrame() ([]byte, error) {
	opus, err := s.Stream.ReadFrame()
	if err == io.EOF && s.loop {
		if err = s.Seek(0); err == nil {
			opus, err = s.Stream.ReadFrame()
		}
	}
	if err == nil && s.tap != nil {
		s.tap(opus)
	}
	return opus, err
}

// Close lets go of the file.
func (s *sound) Close() error { return s.close() }
