package process

import (
	"errors"
	"os"
	"runtime/pprof"
)

// ProfileCPU begins a profile of the processor, which stop writes. An empty
// name means none.
func ProfileCPU(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}
