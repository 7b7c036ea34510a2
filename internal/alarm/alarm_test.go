package alarm

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex // the machine's
		var rings []time.Duration
		var a *Alarm
		mu.Lock()
		a = New(func() {
			mu.Lock()
			defer mu.Unlock()
			a.Rang()
			rings = append(rings, time.Since(start))
		})
		set := func(d time.Duration) { a.Set(time.Now(), start.Add(d)) }
		wait := func(until time.Duration) []time.Duration {
			mu.Unlock()
			time.Sleep(time.Until(start.Add(until)))
			synctest.Wait()
			mu.Lock()
			return rings
		}
		require.Empty(t, wait(2*time.Hour), "it is not set")
		set(3 * time.Hour)
		set(3 * time.Hour)
		require.Len(t, wait(4*time.Hour), 1)
		set(3 * time.Hour) // is over
		require.Len(t, wait(5*time.Hour), 2)
		set(6 * time.Hour)
		set(7 * time.Hour)
		require.Len(t, wait(8*time.Hour), 3)
		set(9 * time.Hour)
		a.Set(time.Now(), time.Time{})
		require.Len(t, wait(10*time.Hour), 3)
		set(11 * time.Hour)
		a.Stop()
		require.Equal(t, []time.Duration{3 * time.Hour, 4 * time.Hour, 7 * time.Hour}, wait(12*time.Hour))
	})
}
