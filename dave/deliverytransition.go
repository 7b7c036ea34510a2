package dave

import (
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/opcode"
)

// An announcement is a transition that members get ready for.
type announcement struct {
	id       uint16
	version  uint16
	deadline time.Time
	all      []*participant
	waiting  map[*participant]struct{}

	committer *participant // nil: of a downgrade
	refused   int          // by how many the commit or welcome was
}

func (t *announcement) wait(p *participant) {
	t.all = append(t.all, p)
	t.waiting[p] = struct{}{}
}

// invalid counts a member that cannot follow. More than half of the others bar
// the committer.
func (t *announcement) invalid(p *participant) {
	if p == t.committer {
		return
	}
	if t.refused++; 2*t.refused >= len(t.all) {
		t.committer.barred = true
	}
}

// newTransition starts a transition, which takes the place of one that is not
// executed yet.
func (d *Delivery) newTransition(now time.Time, version uint16) *announcement {
	if d.lastID++; d.lastID == initTransition {
		d.lastID++
	}
	d.transition = &announcement{id: d.lastID, version: version, deadline: now.Add(d.timeout), waiting: make(map[*participant]struct{})}
	return d.transition
}

// handleReady counts a client that is ready.
func (d *Delivery) handleReady(now time.Time, p *participant, m gateway.VoiceMessage) error {
	data, err := decode[transitionData](m)
	if err != nil {
		return err
	}
	if d.transition != nil && d.transition.id == data.ID {
		d.excuse(now, p)
	}
	return nil
}

// excuse waits for a client no longer.
func (d *Delivery) excuse(now time.Time, p *participant) {
	if d.transition != nil {
		delete(d.transition.waiting, p)
		d.executeReady(now)
	}
}

// executeReady tells the clients to make the switch, if all are ready for it or
// have been waited for long enough.
//
// https://daveprotocol.com/#dave_protocol_execute_transition-22
func (d *Delivery) executeReady(now time.Time) {
	t := d.transition
	if t == nil || len(t.waiting) > 0 && now.Before(t.deadline) {
		return
	}
	d.transition, d.version = nil, t.version
	m := textMessage(opcode.DAVEExecuteTransition, transitionData{ID: t.id})
	for _, p := range t.all {
		if d.members[p.user] == p {
			d.send(p, m)
		}
	}
}

// downgrade prepares to go on without encryption.
//
// https://daveprotocol.com/#downgrade-to-transport-only-encryption
func (d *Delivery) downgrade(now time.Time) {
	if d.target == 0 {
		return
	}
	settled := d.version == 0 && d.transition == nil
	d.target = 0
	d.abandon()
	for _, p := range d.order {
		p.pkg = nil
	}
	if settled {
		return
	}
	var version uint16
	t := d.newTransition(now, version)
	m := textMessage(opcode.DAVEPrepareTransition, transitionData{ID: t.id, Version: &version})
	for _, p := range d.order {
		if p.version > 0 {
			t.wait(p)
			d.send(p, m)
		}
	}
	d.executeReady(now)
}

// NextDeadline returns when [Delivery.HandleTimeout] has something to do, zero
// for never.
func (d *Delivery) NextDeadline() time.Time {
	next := deadline.Earliest(d.stuck, d.gather)
	if d.transition != nil {
		next = deadline.Earliest(next, d.transition.deadline)
	}
	for _, p := range d.order {
		next = deadline.Earliest(next, p.hold)
	}
	return next
}

// HandleTimeout executes transitions that members were not ready for in time,
// removes those who asked for it and sent no key package, and makes a group
// anew that got no commit. An early call does nothing.
func (d *Delivery) HandleTimeout(now time.Time) []Outgoing {
	d.executeReady(now)
	for _, p := range d.order {
		if deadline.Due(p.hold, now) {
			p.hold = time.Time{}
		}
	}
	if deadline.Due(d.stuck, now) {
		d.attempts++
		d.pardon() // the others do not commit
		d.restart(now)
	}
	d.reconcile(now)
	return d.flush()
}
