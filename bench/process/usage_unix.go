//go:build unix

package process

import (
	"fmt"
	"syscall"
	"time"
)

// CPUTime is the time that this process has spent, in the kernel too.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// AllowFiles lets this process, and those that it starts, open so many files.
func AllowFiles(n int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	was := l.Cur
	if !atLeast(&l.Cur, n) {
		return nil
	}
	atLeast(&l.Max, n)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("this needs %d open files and may have %d: raise the limit (ulimit -n %d, as root) or run fewer -shards: %w", n, was, n, err)
	}
	return nil
}

// atLeast raises a limit, whose type depends on the system, and reports
// whether it had to.
func atLeast[T int64 | uint64](limit *T, n int) bool {
	if *limit >= T(n) {
		return false
	}
	*limit = T(n)
	return true
}
