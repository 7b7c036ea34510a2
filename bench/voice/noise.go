package main

import (
	"slices"
	"time"
)

// listenToNoise measures how late the machine lets this process be, until the
// function it returns is called, which returns the p99.
func listenToNoise() func() time.Duration {
	stop, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		var late []time.Duration
		timer := time.NewTimer(0)
		defer timer.Stop()
		for next := time.Now(); ; {
			select {
			case <-timer.C:
				late = append(late, time.Since(next))
				for !next.After(time.Now()) {
					next = next.Add(frameTime)
				}
				timer.Reset(time.Until(next))
			case <-stop:
				slices.Sort(late)
				result <- late[len(late)*99/100]
				return
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-result
	}
}
