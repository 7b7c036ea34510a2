// Package filelock locks files against other processes. The locks are the
// kernel's: they end with the process, however it ends.
package filelock

import (
	"errors"
	"os"
)

// ErrLocked reports a file that is locked by another process, or through
// another open file of this one.
var ErrLocked = errors.New("filelock: locked by another owner")

// TryLock takes the exclusive lock of a file, or returns [ErrLocked] at once.
// The lock ends when the file is closed. On systems that have no such locks the
// error matches [errors.ErrUnsupported]. What is in the file can be read
// by others meanwhile.
func TryLock(f *os.File) error { return tryLock(f) }
