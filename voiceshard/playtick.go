package voiceshard

import (
	"math/rand/v2"
	"time"

	"github.com/discordpkg/gateway/voiceshard/internal/pace"
)

const (
	// outagePoll is how often a player looks whether there is a transport again.
	outagePoll = 20 * time.Millisecond

	// busyPoll is how soon a player tries again whose end-to-end encryption is
	// busy, such as with the change of a group of hundreds.
	busyPoll = time.Millisecond

	// crowd is from how many players on they do not begin at the same time:
	// frames that are due together are late together.
	crowd = 16
)

// tick sends what is due. The wheel calls it.
func (p *Player) tick(now time.Time) (next time.Time) {
	if !p.enter() {
		return now.Add(busyPoll)
	}
	defer p.mu.Unlock()
	if p.mode != playing && p.mode != fading {
		return time.Time{}
	}
	if p.offline {
		p.session.out.resumeAt(now)
		p.schedule.Start(now)
	} else {
		p.lateness.Observe(now.Sub(p.schedule.Due()))
		p.schedule.CatchUpTo(now)
	}
	if p.mode == playing && p.queue.n == 0 {
		if p.ended {
			p.fade(over)
		} else {
			p.stats.Underruns++
			p.fade(filling)
		}
	}
	if p.mode == fading {
		return p.sendSilence(now)
	}
	return p.sendFrame(now)
}

// enter locks mu, unless that means to wait for the end-to-end encryption, for
// which the reader may wait with mu locked: all other players would.
func (p *Player) enter() bool {
	c := p.session.out.shared.Load()
	if c == nil || !c.busy.Load() {
		p.mu.Lock()
		return true
	}
	if !p.mu.TryLock() {
		return false
	}
	if p.mode == fading || p.queue.sealed < max(p.queue.n, 1) {
		p.mu.Unlock()
		return false
	}
	return true
}

// sendFrame sends the first frame of the queue.
func (p *Player) sendFrame(now time.Time) time.Time {
	q, out := &p.queue, &p.session.out
	q.seal(out)
	err := errStale
	for try := 0; err == errStale && try < 2 && q.sealed > 0; try++ {
		if err = out.send(&q.at(0).packet); err == errStale { // another transport meanwhile
			q.unseal(out)
			q.seal(out)
		}
	}
	if err != nil {
		return p.outage(now)
	}
	p.offline = false
	f := q.at(0)
	p.position = f.end
	p.schedule.Advance(f.length)
	q.pop()
	p.stats.Frames++
	if q.time <= p.ahead*3/4 { // a few frames at a time
		p.room.Signal()
	}
	return p.schedule.Due()
}

// outage waits for another transport.
func (p *Player) outage(now time.Time) time.Time {
	p.queue.unseal(&p.session.out)
	if !p.offline {
		p.offline = true
		p.stats.Outages++
		p.session.out.restUntil(p.schedule.Due())
	}
	return now.Add(outagePoll)
}

// fade makes silence the next that is sent, and then what the mode is. The
// caller holds mu, and the task is scheduled.
func (p *Player) fade(then playMode) {
	p.queue.unseal(&p.session.out)
	p.mode, p.then = fading, then
}

// sendSilence sends a frame of the silence that ends a transmission.
//
// https://discord.com/developers/docs/topics/voice-connections#voice-data-interpolation
func (p *Player) sendSilence(now time.Time) time.Time {
	out := &p.session.out
	if out.owed() > 0 && out.seal(&p.quiet, silenceFrame) == nil {
		if err := out.send(&p.quiet); err == nil {
			p.schedule.Advance(silenceTime)
			return p.schedule.Due()
		}
		out.rewind(&p.quiet)
	}
	p.goTo(p.then)
	if p.mode == filling && p.begin(now) {
		return p.schedule.Due()
	}
	return time.Time{}
}

// goTo stops sending. The caller holds mu.
func (p *Player) goTo(mode playMode) {
	if p.mode == playing || p.mode == fading {
		p.queue.unseal(&p.session.out)
		if !p.offline {
			p.session.out.restUntil(p.schedule.Due())
		}
		pace.Shared.Cancel(p.task)
	}
	p.mode, p.offline = mode, false
	p.room.Signal()
	if mode == paused || mode == over {
		select {
		case p.rest <- struct{}{}:
		default:
		}
	}
}

// begin starts to send if there is enough to send, and reports whether it
// does. The caller holds mu, and the mode is filling.
func (p *Player) begin(now time.Time) bool {
	if !p.ended && p.queue.time < p.ahead/2 || p.queue.n == 0 && !p.ended {
		return false
	}
	at := now
	if p.schedule.Due().After(now) { // the last frame is not at its end
		at = p.schedule.Due()
	} else if pace.Shared.Len() > crowd {
		at = at.Add(rand.N(silenceTime))
	}
	p.session.out.resumeAt(at)
	p.schedule.Start(at)
	p.mode = playing
	p.queue.seal(&p.session.out)
	pace.Shared.Schedule(p.task, at)
	return true
}

// stop ends the sound.
func (p *Player) stop(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.mode == over || p.stopped:
		return
	case p.mode == playing && !p.offline:
		p.fade(over)
	case p.mode == fading:
		p.then = over
	default:
		p.goTo(over)
	}
	p.stopped, p.err = true, err
}

// abandon ends the player of a session that has ended.
func (p *Player) abandon(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode != over {
		p.err = err
		p.goTo(over)
	}
}
