package sharding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// A FileStore keeps sessions in a directory, in one file of JSON for each key.
// A file is replaced as a whole and flushed to the disk, so it survives a
// crash of the process and of the machine. Only the owner can read it. There is
// no token in it, and a session is of no use without one.
//
// Sessions say where they are resumed: whoever can write to the directory can
// make the bot send its token elsewhere.
//
// Two processes may share a directory as long as they use different keys.
type FileStore struct {
	dir      string
	startNew bool

	mu sync.Mutex // one Save at a time
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
	s := &FileStore{dir: dir}
	for _, o := range options {
		o(s)
	}
	return s, nil
}

func (s *FileStore) path(key string) string { return filepath.Join(s.dir, key+".json") }

// Load implements [Store]. A file that makes no sense is a
// [*CorruptStoreError], see also [StartAnew].
func (s *FileStore) Load(_ context.Context, key string) (Checkpoint, error) {
	if err := checkStoreKey(key); err != nil {
		return Checkpoint{}, err
	}
	path := s.path(key)
	data, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sharding: store: %w", err)
	}
	c, err := decodeCheckpoint(data)
	if err == nil {
		return c, nil
	}
	if !s.startNew {
		return Checkpoint{}, &CorruptStoreError{path, err}
	}
	if err := os.Rename(path, path+".corrupt"); err != nil {
		return Checkpoint{}, fmt.Errorf("sharding: store: %w", err)
	}
	return Checkpoint{}, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
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

// Save implements [Store].
func (s *FileStore) Save(_ context.Context, key string, c Checkpoint) error {
	if err := checkStoreKey(key); err != nil {
		return err
	}
	data, err := json.Marshal(storeFile{storeVersion, c})
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		err = replaceFile(s.path(key), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("sharding: store: %w", err)
	}
	return nil
}

// replaceFile writes a file that is there as a whole or not at all. The name of the
// temporary file is always the same, so that crashes leave one at most.
func replaceFile(path string, data []byte) (err error) {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
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
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDir(filepath.Dir(path))
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
