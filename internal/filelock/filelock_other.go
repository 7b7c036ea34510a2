//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package filelock

import (
	"errors"
	"fmt"
	"os"
)

func tryLock(*os.File) error {
	return fmt.Errorf("filelock: %w", errors.ErrUnsupported)
}
