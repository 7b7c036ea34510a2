// Package bench measures this library. Its benchmarks compare the parts that
// every event passes; command compare sets whole clients beside each other,
// command scale runs a fleet, and command voice does the same as compare for
// calls, ciphers, groups and the voice server.
//
// It is a module of its own, so that nobody else needs what it compares with.
package bench
