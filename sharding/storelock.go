package sharding

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/discordpkg/gateway/internal/filelock"
)

// A LockingStore is a [Store] whose keys belong to one group at a time.
// [Group.Run] takes the lock before it loads, and releases it after its last
// save. Two processes that resume the same sessions would take them from each
// other again and again.
type LockingStore interface {
	Store

	// Lock takes the lock of a key, or returns why it cannot. Release is called
	// once.
	Lock(ctx context.Context, key string) (release func() error, err error)
}

// ErrStoreLocked reports sessions that another group has.
var ErrStoreLocked = errors.New("sharding: store: the sessions belong to another group")

// A StoreLockedError is a key of a [FileStore] that another owner has locked.
// It matches [ErrStoreLocked].
type StoreLockedError struct {
	Path  string // of the sessions
	Owner string // what it said of itself: process, machine, and since when
}

func (e *StoreLockedError) Error() string {
	return fmt.Sprintf("sharding: store: %s is in use by %s", e.Path, e.Owner)
}

// Is reports whether target is [ErrStoreLocked].
func (e *StoreLockedError) Is(target error) bool { return target == ErrStoreLocked }

// AwaitRelease makes [FileStore.Lock] wait until another owner has released the
// lock, instead of failing. The function is told once who that is; it may be nil.
func AwaitRelease(waits func(owner string)) FileStoreOption {
	if waits == nil {
		waits = func(string) {}
	}
	return func(s *FileStore) { s.waits = waits }
}

const (
	lockPause = 50 * time.Millisecond // between two attempts
	maxOwner  = 200                   // bytes of an owner's name
)

// Lock implements [LockingStore]. A key that another process, or another
// FileStore, has locked is a [*StoreLockedError], see also [AwaitRelease]. The lock
// is the kernel's: it ends with the process, however it ends. What interrupted
// saves have left is removed.
func (s *FileStore) Lock(ctx context.Context, key string) (release func() error, err error) {
	for told := false; ; told = true {
		err = s.within(key, func(dir *os.Root) error { return s.lock(dir, key) })
		var locked *StoreLockedError
		switch {
		case err == nil:
			return func() error { return s.unlock(key) }, nil
		case s.waits == nil || !errors.As(err, &locked):
			return nil, err
		case !told:
			s.waits(locked.Owner)
		}
		if err := sleep(ctx, lockPause); err != nil {
			return nil, fmt.Errorf("sharding: store: waiting for %s: %w", locked.Owner, err)
		}
	}
}

func (s *FileStore) lock(dir *os.Root, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[key] != nil {
		return &StoreLockedError{s.path(key), "another group of this process"}
	}
	f, err := s.tryLock(dir, key)
	if err != nil {
		return err
	}
	if f != nil {
		s.held[key] = f
	}
	removeLeftovers(dir, key)
	return nil
}

func (s *FileStore) unlock(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.held[key]
	if f == nil {
		return nil // this system has no locks
	}
	delete(s.held, key)
	return f.Close()
}

// tryLock returns the locked file, nil on systems without locks. The file stays
// when the lock ends: to remove it would take it from under another owner.
func (s *FileStore) tryLock(dir *os.Root, key string) (*os.File, error) {
	name := key + ".lock"
	if info, err := dir.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	switch err = filelock.TryLock(f); {
	case errors.Is(err, filelock.ErrLocked):
		err = &StoreLockedError{s.path(key), ownerOf(f)}
	case errors.Is(err, errors.ErrUnsupported):
		return nil, f.Close()
	case err == nil:
		sign(f)
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// sign writes who has the lock, if the disk has room for it: the lock holds
// without a name.
func sign(f *os.File) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt(fmt.Appendf(nil, "process %d on %s since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339)), 0)
}

// ownerOf reads who has the lock.
func ownerOf(f *os.File) string {
	buf := make([]byte, maxOwner)
	n, _ := f.ReadAt(buf, 0)
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, line)
	if line == "" {
		return "an owner that has not said who it is"
	}
	return line
}

// removeLeftovers removes what it can; the next owner tries again.
func removeLeftovers(dir *os.Root, key string) {
	d, err := dir.Open(".")
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		if leftover(key, name) {
			_ = dir.Remove(name)
		}
	}
}
