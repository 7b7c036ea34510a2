// Package pace calls many senders on time with one timer: each has a schedule
// of absolute times, on which being late once does not make the next one late.
//
// A [Wheel] has one goroutine, which runs only while there is something to wait
// for. A [Schedule] is the arithmetic of one sender: no drift, and a bound on
// what is made up for after a stall.
package pace
