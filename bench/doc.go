// Package bench measures this library. Its benchmarks compare the parts that
// every event passes; command compare sets whole clients beside each other.
//
// It is a module of its own, so that nobody else needs what it compares with.
package bench
