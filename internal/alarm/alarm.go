// Package alarm wakes the owner of a pure machine at the deadlines that the
// machine names.
package alarm

import "time"

// An Alarm is one timer, which costs no goroutine while it waits. Calls must
// not overlap: the mutex of the machine guards it as well.
type Alarm struct {
	timer *time.Timer
	at    time.Time // zero: not set
}

// New returns an alarm that is not set. Wake is called in a goroutine of its
// own, must begin with [Alarm.Rang], and may come early or in vain.
func New(wake func()) *Alarm {
	a := &Alarm{timer: time.AfterFunc(time.Hour, wake)}
	a.timer.Stop()
	return a
}

// Set follows the deadline of the machine; the zero time is none. It does
// nothing if the deadline is the one it is set to, so call it after every step.
func (a *Alarm) Set(now, at time.Time) {
	if at.Equal(a.at) {
		return
	}
	a.at = at
	if at.IsZero() {
		a.timer.Stop()
	} else {
		a.timer.Reset(at.Sub(now))
	}
}

// Rang notes that the alarm has woken its owner: it can be set to the same time
// again.
func (a *Alarm) Rang() { a.at = time.Time{} }

// Stop ends what is set.
func (a *Alarm) Stop() { a.timer.Stop() }
