// Package typed measures what it costs to turn the events of the mix into structs:
// into those of the package discord, those of other libraries, and by other
// decoders. All of it is in its benchmarks:
//
//	go -C bench test -run NONE -bench . -count 5 ./typed
//
// Ratios are to be taken within one run.
package typed
