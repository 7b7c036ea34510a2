// Package bench holds package pcm against libopus, in one run. It needs cgo and
// libopus (Debian: libopus-dev, pkg-config), and is left out without the build tag:
//
//	go test -tags libopus -v .          that both agree, and how well
//	go run -tags libopus ./compare      the table of ../../../bench/PCM.md
package bench
