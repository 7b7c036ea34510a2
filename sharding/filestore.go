package sharding

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// A FileStore keeps sessions in a directory, in one file of JSON for each key.
// A file is replaced as a whole and flushed to the disk, so it survives a
// crash of the process and of the machine. Only the owner can read it. There is
// no token in it, and a session is of no use without one.
//
// Sessions say where they are resumed. The URL is judged before it is dialed,
// see [gateway.WithResumeHosts].
//
// A key belongs to one group at a time, see [FileStore.Lock]. Processes may
// share a directory as long as they use different keys. Links are not followed.
type FileStore struct {
	dir      string
	startNew bool
	waits    func(owner string) // nil: a lock that is held is an error

	mu   sync.Mutex // guards what follows; one Save at a time
	held map[string]*os.File
}

// A FileStoreOption configures a [FileStore].
type FileStoreOption func(*FileStore)

// StartAnew makes a FileStore rename files that it cannot read, to a name that ends
// in .corrupt, and go on without their sessions. Each shard then costs an identify.
func StartAnew() FileStoreOption { return func(s *FileStore) { s.startNew = true } }

// A CorruptStoreError is a stored file that makes no sense. Delete the file, or
// use [StartAnew]: the sessions in it are lost.
type CorruptStoreError struct {
	Path string
	Err  error
}

func (e *CorruptStoreError) Error() string {
	return fmt.Sprintf("sharding: store: %s is corrupt (%v): delete it to start new sessions", e.Path, e.Err)
}
func (e *CorruptStoreError) Unwrap() error { return e.Err }

// maxStoreFile is the size of a file from which on it is not read. A shard
// takes about 200 bytes.
const maxStoreFile = 64 << 20

// NewFileStore returns a store in a directory, which it makes if need be.
func NewFileStore(dir string, options ...FileStoreOption) (*FileStore, error) {
	if dir == "" {
		return nil, errors.New("sharding: store: no directory")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sharding: store: %w", err)
	}
	s := &FileStore{dir: dir, held: make(map[string]*os.File)}
	for _, o := range options {
		o(s)
	}
	return s, nil
}

// path returns where a key is, for people.
func (s *FileStore) path(key string) string { return filepath.Join(s.dir, key+".json") }

// within calls f with the directory, out of which no link leads.
func (s *FileStore) within(key string, f func(dir *os.Root) error) error {
	if err := checkStoreKey(key); err != nil {
		return err
	}
	dir, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("sharding: store: %w", err)
	}
	defer dir.Close()
	var corrupt *CorruptStoreError
	if err = f(dir); err == nil || errors.As(err, &corrupt) || errors.Is(err, ErrStoreLocked) {
		return err
	}
	return fmt.Errorf("sharding: store: %w", err)
}

// Load implements [Store]. A file that makes no sense is a
// [*CorruptStoreError], see also [StartAnew].
func (s *FileStore) Load(_ context.Context, key string) (c Checkpoint, err error) {
	err = s.within(key, func(dir *os.Root) error {
		name := key + ".json"
		data, err := readBounded(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if c, err = decodeCheckpoint(data); err == nil {
			return nil
		}
		c = Checkpoint{}
		if !s.startNew {
			return &CorruptStoreError{s.path(key), err}
		}
		return dir.Rename(name, name+".corrupt")
	})
	return c, err
}

func readBounded(dir *os.Root, name string) ([]byte, error) {
	if info, err := dir.Lstat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxStoreFile+1))
}

// storeVersion is that of the file format.
const storeVersion = 1

type storeFile struct {
	Version int `json:"version"`
	Checkpoint
}

func decodeCheckpoint(data []byte) (Checkpoint, error) {
	if len(data) > maxStoreFile {
		return Checkpoint{}, fmt.Errorf("more than %d bytes", maxStoreFile)
	}
	var f storeFile
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&f); err != nil {
		return Checkpoint{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Checkpoint{}, errors.New("something follows the JSON object")
	}
	if f.Version != storeVersion {
		return Checkpoint{}, fmt.Errorf("version %d, want %d", f.Version, storeVersion)
	}
	return f.Checkpoint, f.check()
}

// Save implements [Store]. While the key is locked through another FileStore it
// is a [*StoreLockedError].
func (s *FileStore) Save(_ context.Context, key string, c Checkpoint) error {
	data, err := json.Marshal(storeFile{storeVersion, c})
	if err != nil {
		return fmt.Errorf("sharding: store: %w", err)
	}
	return s.within(key, func(dir *os.Root) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[key] == nil {
			lock, err := s.tryLock(dir, key)
			if err != nil {
				return err
			}
			if lock != nil {
				defer lock.Close()
			}
		}
		return replaceFile(dir, s.dir, key, append(data, '\n'))
	})
}

// leftover reports whether a file is what a Save that was interrupted has left.
func leftover(key, name string) bool {
	return strings.HasPrefix(name, key+".") && strings.HasSuffix(name, ".new")
}

// replaceFile writes a file that is there as a whole or not at all. The
// temporary file has a name that no other has.
func replaceFile(dir *os.Root, path, key string, data []byte) (err error) {
	temporary := key + "." + rand.Text() + ".new"
	f, err := dir.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = dir.Rename(temporary, key+".json")
	}
	if err != nil {
		return errors.Join(err, dir.Remove(temporary))
	}
	return syncDir(path)
}

// syncDir makes a rename survive a crash of the machine. Windows has nothing
// of the kind: there the file system's journal does it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
