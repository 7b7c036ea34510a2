package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
)

// A recording is what a caller hears, in files.
type recording struct {
	recorder *voiceshard.Recorder
	match    *comparison // what it is held against, may be nil
	done     chan struct{}
	stop     context.CancelFunc
	err      error // why it ended before it was to, valid when done

	mu    sync.Mutex // guards files
	files map[snowflake.ID]string
}

// newRecording returns a recording into the files that open opens.
func newRecording(match *comparison, open func(snowflake.ID) (io.WriteCloser, error)) *recording {
	r := &recording{match: match, done: make(chan struct{}), files: make(map[snowflake.ID]string)}
	r.recorder = voiceshard.NewRecorder(func(user snowflake.ID) (io.WriteCloser, error) {
		w, err := open(user)
		if f, ok := w.(*os.File); ok && err == nil {
			r.mu.Lock()
			r.files[user] = f.Name()
			r.mu.Unlock()
		}
		return w, err
	})
	return r
}

// recordFile returns what opens the one file of the local listener, a new one
// if there is no name.
func recordFile(name string) (func(snowflake.ID) (io.WriteCloser, error), error) {
	if name == "" {
		return func(snowflake.ID) (io.WriteCloser, error) { return os.CreateTemp("", "gatewaybot-*.opus") }, nil
	}
	probe, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600) // better now than when a user speaks
	if err != nil {
		return nil, fmt.Errorf("-record: %w", err)
	}
	return func(snowflake.ID) (io.WriteCloser, error) {
		return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	}, probe.Close()
}

// recordDir makes a directory, and returns what opens files there.
func recordDir(dir string) (func(snowflake.ID) (io.WriteCloser, error), error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("-dir: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".gatewaybot-*")
	if err != nil {
		return nil, fmt.Errorf("-dir: %w", err)
	}
	return voiceshard.RecordDir(dir), errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// start begins to record a session, until end.
func (r *recording) start(ctx context.Context, s *voiceshard.Session) {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(r.done)
		r.err = r.listen(ctx, s)
	}()
}

func (r *recording) listen(ctx context.Context, s *voiceshard.Session) error {
	if r.match == nil {
		return r.recorder.Record(ctx, s)
	}
	for {
		p, err := s.Receive(ctx)
		if err != nil {
			return err
		}
		r.match.hear(p)
		var failed *voiceshard.TrackError // Close tells
		if err := r.recorder.Write(p); err != nil && !errors.As(err, &failed) {
			return err
		}
	}
}

// end completes the files, and returns how long they are. The errors are those
// of the files.
func (r *recording) end() (length time.Duration, err error) {
	r.stop()
	<-r.done
	err = r.recorder.Close()
	return r.recorder.Duration(), err
}

// tracks returns the files by user, and the users in order.
func (r *recording) tracks() (users []snowflake.ID, files map[snowflake.ID]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.files)), maps.Clone(r.files)
}
