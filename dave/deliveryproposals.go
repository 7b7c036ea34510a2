package dave

import (
	"bytes"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
)

const (
	// keyPackageWait is how long the removal of a client waits for the key
	// package to add it with, and a new group for those of all who are there.
	keyPackageWait = 500 * time.Millisecond

	// amendWait is how long proposals may be added to those that wait for a
	// commit. Each makes the commits that are on their way worthless.
	amendWait = time.Second

	// commitWait is how long a commit is waited for before the group is made
	// anew. It doubles with each attempt, four times.
	commitWait    = 5 * time.Second
	maxCommitWait = 4 // doublings
)

// A change is what a proposal brings about: an Add of a client with a key
// package, or without one the Remove of a leaf.
type change struct {
	add  *participant
	pkg  *mls.KeyPackage
	leaf int
}

// A proposal is a change that waits for a commit.
type proposal struct {
	change
	msg, ref []byte
}

// desired lists the changes that bring the group to where it should be.
func (d *Delivery) desired(now time.Time) []change {
	if d.target == 0 {
		return nil
	}
	var want []change
	for i, p := range d.leaves {
		if p != nil && !d.belongs(p, i) && !now.Before(p.hold) {
			want = append(want, change{leaf: i})
		}
	}
	for _, p := range d.order {
		if p.leaf < 0 && p.pkg != nil && !d.gathers(now) {
			want = append(want, change{add: p, pkg: p.pkg})
		}
	}
	return want
}

// gathers reports whether a group that is made anew waits for key packages: the
// first commit brings in all clients that are in the call, so that none misses
// what is said between the first commit and the next.
func (d *Delivery) gathers(now time.Time) bool {
	return now.Before(d.gather) && !d.established &&
		slices.ContainsFunc(d.order, func(p *participant) bool { return p.version > 0 && p.pkg == nil })
}

// belongs reports whether a client is in the channel and on its leaf.
func (d *Delivery) belongs(p *participant, leaf int) bool {
	return d.members[p.user] == p && p.leaf == leaf
}

// inGroup reports whether a client gets what concerns the group: its members,
// or all that may create it.
func (d *Delivery) inGroup(p *participant) bool {
	return p.version > 0 && (p.leaf >= 0 || !d.established)
}

// reconcile sends the proposals that lack, and revokes those that are not
// wanted any more.
//
// https://daveprotocol.com/#proposal-handling
func (d *Delivery) reconcile(now time.Time) {
	if d.deserted(now) {
		d.restart(now)
		return
	}
	if !d.gathers(now) {
		d.gather = time.Time{}
	}
	want := make(map[change]bool)
	list := d.desired(now)
	for _, c := range list {
		want[c] = true
	}
	var kept, revoked []*proposal
	for _, q := range d.inflight {
		if want[q.change] {
			kept = append(kept, q)
		} else {
			revoked = append(revoked, q)
		}
		delete(want, q.change)
	}
	var added []change
	if len(kept) == 0 || d.stuck.IsZero() || now.Before(d.amendable) {
		added = slices.DeleteFunc(list, func(c change) bool { return !want[c] })
	}
	if len(revoked)+len(added) > 0 {
		d.amend(now, kept, revoked, added)
	}
}

// deserted reports whether no client is left to commit. With barred members it may
// be too soon to start over: one that bars itself again and again is waited for.
func (d *Delivery) deserted(now time.Time) bool {
	if !d.established || slices.ContainsFunc(d.order, func(p *participant) bool { return d.inGroup(p) && !p.barred }) {
		return false
	}
	recovering := slices.ContainsFunc(d.order, func(p *participant) bool { return !p.hold.IsZero() })
	return !slices.ContainsFunc(d.order, d.inGroup) || !recovering && now.Sub(d.restarted) >= commitWait
}

// sign makes proposals for the current epoch.
func (d *Delivery) sign(list []change) []*proposal {
	signed := make([]*proposal, 0, len(list))
	for _, c := range list {
		q := &proposal{change: c}
		var err error
		if c.pkg != nil {
			q.msg, q.ref, err = d.signer.SignAdd(d.groupID, d.epoch, c.pkg.Bytes())
		} else {
			q.msg, q.ref, err = d.signer.SignRemove(d.groupID, d.epoch, uint32(c.leaf))
		}
		if err == nil { // else there is another attempt at the next event
			signed = append(signed, q)
		}
	}
	return signed
}

// amend tells the clients what waits for a commit now. Unless members are only
// added, all proposals are made anew, for the sake of davey: it takes its last
// commit for the one that was chosen, which must not be an older one of the
// same proposals, and makes a welcome only when the last list adds a member.
func (d *Delivery) amend(now time.Time, kept, revoked []*proposal, added []change) {
	if len(kept) == 0 {
		d.stuck = time.Time{}
	}
	if len(revoked) > 0 || !slices.ContainsFunc(added, change.isAdd) {
		var again []change
		for _, q := range kept {
			again = append(again, q.change)
		}
		kept, revoked, added = nil, append(revoked, kept...), append(again, added...)
	}
	fresh := d.sign(added)
	d.inflight = append(kept, fresh...)
	revoke, add := proposalList(revokeProposals, revoked, nil), proposalList(appendProposals, fresh, nil)
	for _, p := range d.order {
		if d.inGroup(p) {
			d.propose(p, revokeProposals, revoked, revoke)
			d.propose(p, appendProposals, fresh, add)
		}
	}
	d.expectCommit(now)
}

func (c change) isAdd() bool { return c.pkg != nil }

// propose sends the proposals of a list that concern a client: all but its own
// Add. Whole is the data with all of them.
func (d *Delivery) propose(p *participant, operation byte, list []*proposal, whole []byte) {
	if slices.ContainsFunc(list, func(q *proposal) bool { return q.add == p }) {
		whole = proposalList(operation, list, p)
	}
	if whole != nil {
		d.send(p, binaryMessage(opcode.DAVEProposals, whole))
	}
}

// proposalList is the data of [opcode.DAVEProposals] with the proposals of a
// list, without the Add of a client. It is nil if none is left.
func proposalList(operation byte, list []*proposal, without *participant) []byte {
	var body []byte
	for _, q := range list {
		switch {
		case without != nil && q.add == without:
		case operation == revokeProposals:
			body = appendVector(body, q.ref)
		default:
			body = append(body, q.msg...)
		}
	}
	if body == nil {
		return nil
	}
	return appendVector([]byte{operation}, body)
}

// catchUp sends a client that has just joined what waits for a commit, which
// may be its own while there is no group.
//
// https://daveprotocol.com/#initial-group-creation
func (d *Delivery) catchUp(p *participant) {
	if d.inGroup(p) {
		d.propose(p, appendProposals, d.inflight, proposalList(appendProposals, d.inflight, nil))
	}
}

// expectCommit starts to wait if anybody has something to commit.
func (d *Delivery) expectCommit(now time.Time) {
	able := slices.ContainsFunc(d.order, func(p *participant) bool {
		return d.inGroup(p) && p.pkg != nil && slices.ContainsFunc(d.inflight, func(q *proposal) bool { return q.add != p })
	})
	switch {
	case !able:
		d.stuck = time.Time{}
		return
	case d.stuck.IsZero():
		d.amendable = now.Add(amendWait)
	}
	d.stuck = now.Add(commitWait << min(d.attempts, maxCommitWait))
}

// abandon forgets the group.
func (d *Delivery) abandon() {
	d.established, d.epoch, d.leaves = false, 0, nil
	d.inflight, d.stuck, d.transition, d.last = nil, time.Time{}, nil, nil
	for _, p := range d.order {
		p.leaf = -1
	}
	if !slices.ContainsFunc(d.order, func(p *participant) bool { return p.version > 0 && !p.barred }) {
		d.pardon()
	}
}

// pardon lets all clients commit.
func (d *Delivery) pardon() {
	for _, p := range d.order {
		p.barred = false
	}
}

// restart makes all clients create a group. A client alone goes over to its own.
//
// https://daveprotocol.com/#sole-member-reset
func (d *Delivery) restart(now time.Time) {
	d.abandon()
	d.restarted = now
	alone := len(d.order) == 1
	if !alone {
		d.gather = now.Add(keyPackageWait)
	}
	for _, p := range d.order {
		p.pkg, p.hold = nil, time.Time{}
		d.send(p, textMessage(opcode.DAVEPrepareEpoch, epochData{Version: d.target, Epoch: firstEpoch}))
		d.introduce(p)
		if alone {
			version := d.target
			d.version = version
			d.send(p, textMessage(opcode.DAVEPrepareTransition, transitionData{ID: initTransition, Version: &version}))
		}
	}
	d.reconcile(now)
}

// refsFor lists the references that a commit of a client has to have.
func (d *Delivery) refsFor(p *participant) map[string]*proposal {
	refs := make(map[string]*proposal, len(d.inflight))
	for _, q := range d.inflight {
		if q.add != p {
			refs[string(q.ref)] = q
		}
	}
	return refs
}

// sameKey reports whether the member that a commit names is the client.
func sameKey(p *participant, m *mls.Member) bool {
	user, ok := userOf(m.Identity)
	return ok && user == p.user && bytes.Equal(m.SignatureKey, p.pkg.SignatureKey())
}
