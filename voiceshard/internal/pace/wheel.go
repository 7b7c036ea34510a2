package pace

import (
	"container/heap"
	"sync"
	"time"

	"github.com/discordpkg/gateway/voiceshard/internal/histogram"
)

// Shared is the wheel of the process.
var Shared Wheel

// A Wheel calls tasks when they are due, one after the other, from a goroutine
// of its own that ends when there are none. The zero value is ready, and safe
// for concurrent use.
type Wheel struct {
	mu       sync.Mutex // guards what follows, and the fields of the tasks
	tasks    queue
	running  bool
	wake     chan struct{} // of the goroutine that runs
	waits    time.Time     // for this, zero while it does not wait
	lateness histogram.Histogram
}

// A Task is something that a [Wheel] calls. Make one with [NewTask].
type Task struct {
	run   func(now time.Time) (next time.Time)
	due   time.Time
	index int    // in the queue, from 1; 0: not in it
	turn  uint64 // changes whenever somebody schedules or cancels
}

// NewTask returns a task. When it is due run is called, and returns when it
// wants to be called again, zero for not at all. It must not block: the others
// wait. It may call methods of the wheel, which take precedence over what it
// returns.
func NewTask(run func(now time.Time) (next time.Time)) *Task { return &Task{run: run} }

// Schedule calls t at a time, at once if it has passed, instead of when it was
// to be called before.
func (w *Wheel) Schedule(t *Task, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.turn++
	w.put(t, at)
	switch {
	case !w.running:
		// A channel of the goroutine's own: synctest wants that both belong to
		// the same bubble.
		w.running, w.wake = true, make(chan struct{}, 1)
		go w.loop(w.wake)
	case !w.waits.IsZero() && at.Before(w.waits):
		w.nudge()
	}
}

// Cancel forgets t. A call of it may be under way.
func (w *Wheel) Cancel(t *Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.turn++
	if t.index > 0 {
		heap.Remove(&w.tasks, t.index-1)
	}
	if w.running && len(w.tasks) == 0 {
		w.nudge()
	}
}

// Len returns how many tasks wait.
func (w *Wheel) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tasks)
}

// Lateness returns how late the tasks were called.
func (w *Wheel) Lateness() histogram.Histogram {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lateness
}

// put puts t into the queue, or elsewhere in it. The caller holds mu.
func (w *Wheel) put(t *Task, at time.Time) {
	t.due = at
	if t.index > 0 {
		heap.Fix(&w.tasks, t.index-1)
		return
	}
	heap.Push(&w.tasks, t)
}

// nudge makes the goroutine look again. The caller holds mu.
func (w *Wheel) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// loop calls tasks until there are none.
func (w *Wheel) loop(wake <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.tasks) > 0 {
		now, t := time.Now(), w.tasks[0]
		if wait := t.due.Sub(now); wait > 0 {
			w.waits = t.due
			w.mu.Unlock()
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-wake:
			}
			w.mu.Lock()
			w.waits = time.Time{}
			continue
		}
		w.lateness.Observe(now.Sub(t.due))
		heap.Pop(&w.tasks)
		turn := t.turn
		w.mu.Unlock()
		next := t.run(now)
		w.mu.Lock()
		if t.turn == turn && !next.IsZero() {
			w.put(t, next)
		}
	}
	w.running = false
}

// A queue is a heap of tasks, the one that is due first in front.
type queue []*Task

// Len implements [heap.Interface].
func (q queue) Len() int { return len(q) }

// Less implements [heap.Interface].
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

// Swap implements [heap.Interface].
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i+1, j+1
}

// Push implements [heap.Interface].
func (q *queue) Push(x any) {
	t := x.(*Task)
	*q = append(*q, t)
	t.index = len(*q)
}

// Pop implements [heap.Interface].
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.index = 0
	return t
}
