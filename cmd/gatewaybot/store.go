package main

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/discordpkg/gateway/sharding"
)

// A sessionFile is where the sessions are between two runs.
type sessionFile struct {
	store sharding.Store
	key   string
}

var sessionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

var errSessionName = errors.New("-store: the name of the file is made of letters, digits, - and _, and may end in .json")

// splitStore returns the directory and the key that make a file of a store.
func splitStore(file string) (dir, key string, err error) {
	dir, key = filepath.Split(file)
	if key = strings.TrimSuffix(key, ".json"); !sessionName.MatchString(key) {
		return "", "", errSessionName
	}
	return filepath.Clean(dir), key, nil
}

// openStore returns what the last run left in the file of -store.
func (b *bot) openStore(ctx context.Context) (stored sharding.Checkpoint, err error) {
	if b.options.store == "" {
		return stored, nil
	}
	dir, key, err := splitStore(b.options.store)
	if err != nil {
		return stored, err
	}
	var options []sharding.FileStoreOption
	if b.options.takeover {
		options = append(options, sharding.AwaitRelease(func(owner string) {
			b.log.Info("waiting until the sessions are released", "owner", owner)
		}))
	}
	store, err := sharding.NewFileStore(dir, options...)
	if err != nil {
		return stored, err
	}
	b.sessions = &sessionFile{store, key}
	// What a process that still runs has stored is not the last word.
	release, err := store.Lock(ctx, key)
	switch {
	case err == nil:
		defer release()
	case errors.Is(err, sharding.ErrStoreLocked), ctx.Err() != nil:
		return stored, err
	}
	return store.Load(ctx, key)
}

// restore opens the accounts of the sessions that go on.
func (b *bot) restore(stored sharding.Checkpoint, total uint) {
	if stored.Total != total || len(stored.Shards) == 0 {
		return
	}
	b.journal.look(func(e *entries) {
		for _, s := range stored.Shards {
			e.ledger.begin(s.ID, s.Session.ID, s.Session.Seq)
		}
	})
	b.log.Info("resuming stored sessions", "sessions", len(stored.Shards), "saved", stored.Saved)
}
