package main

import (
	"slices"
	"time"
)

// listenToNoise measures how late the machine lets this process be, while counts
// reports true, until the function it returns is called, which returns the p99.
func listenToNoise(counts func() bool) func() time.Duration {
	stop, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		var late []time.Duration
		timer := time.NewTimer(0)
		defer timer.Stop()
		for next := time.Now(); ; {
			select {
			case <-timer.C:
				if counts() {
					late = append(late, time.Since(next))
				}
				for !next.After(time.Now()) {
					next = next.Add(frameTime)
				}
				timer.Reset(time.Until(next))
			case <-stop:
				slices.Sort(late)
				p99 := time.Duration(0)
				if len(late) > 0 {
					p99 = late[len(late)*99/100]
				}
				result <- p99
				return
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-result
	}
}
