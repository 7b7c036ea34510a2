package cellrate

import (
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := New(10, 5)
	count := func(now time.Time) (n int) {
		for l.Take(now) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 6}, {0, 0}, {99 * time.Millisecond, 0}, {time.Millisecond, 1}, {time.Second, 6}, {time.Hour, 6}} {
		now = now.Add(step.after)
		if got := count(now); got != step.want {
			t.Errorf("%d more after %v, want %d", got, step.after, step.want)
		}
	}
	now = now.Add(time.Hour)
	if !l.Idle(now) {
		t.Error("an hour later something still counts")
	}
	if !l.TakeN(now, 100) || l.Take(now.Add(9*time.Second)) || !l.Take(now.Add(10*time.Second)) {
		t.Error("what is taken at once is not paid for afterwards")
	}
	if l.Idle(now) {
		t.Error("what was taken just now does not count")
	}
	if l.Take(now.Add(-time.Hour)) {
		t.Error("time runs backwards")
	}
	var none Limit
	for range 1000 {
		if !none.Take(now) {
			t.Fatal("the zero limit limits")
		}
	}
}
