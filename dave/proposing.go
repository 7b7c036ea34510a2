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
	// package to add it with.
	keyPackageWait = 500 * time.Millisecond

	// amendWait is how long proposals may be added to those that wait for a
	// commit. Each makes the commits that are on their way worthless.
	amendWait = time.Second

	// commitWait is how long a commit is waited for before the group is made
	// anew. It doubles with each attempt, four times.
	commitWait    = 5 * time.Second
	maxCommitWait = 4 // doublings
)

// A proposing is a proposal that waits for a commit.
type proposing struct {
	add      *participant
	pkg      *mls.KeyPackage // to add it with, nil if this is a Remove
	leaf     int             // to remove
	msg, ref []byte
}

func (q *proposing) same(other *proposing) bool {
	return q.add == other.add && q.pkg == other.pkg && q.leaf == other.leaf
}

// desired lists the proposals that bring the group to where it should be.
func (d *Delivery) desired(now time.Time) []*proposing {
	if d.target == 0 {
		return nil
	}
	var want []*proposing
	for i, p := range d.leaves {
		if p != nil && !d.belongs(p, i) && !now.Before(p.hold) {
			want = append(want, &proposing{leaf: i})
		}
	}
	for _, p := range d.order {
		if p.leaf < 0 && p.pkg != nil {
			want = append(want, &proposing{add: p, pkg: p.pkg, leaf: -1})
		}
	}
	return want
}

// belongs reports whether a client is in the channel and on its leaf.
func (d *Delivery) belongs(p *participant, leaf int) bool {
	return d.members[p.user] == p && p.leaf == leaf
}

// inGroup reports whether a client gets what concerns the group: whoever is in
// it, or everybody who may create it.
func (d *Delivery) inGroup(p *participant) bool {
	return p.version > 0 && (p.leaf >= 0 || !d.established)
}

// reconcile sends the proposals that lack, and revokes those that are not
// wanted any more.
//
// https://daveprotocol.com/#proposal-handling
func (d *Delivery) reconcile(now time.Time) {
	if d.established && !slices.ContainsFunc(d.order, d.inGroup) {
		d.restart(now) // nobody is left to commit
		return
	}
	want := d.desired(now)
	kept, revoked := split(d.inflight, want)
	var added []*proposing
	if len(kept) == 0 || d.stuck.IsZero() || now.Before(d.amendable) {
		_, added = split(want, kept)
		added = slices.DeleteFunc(added, func(q *proposing) bool { return !d.sign(q) })
	}
	if len(revoked)+len(added) == 0 {
		return
	}
	if len(kept) == 0 {
		d.stuck = time.Time{}
	}
	d.inflight = append(kept, added...)
	for _, p := range d.order {
		if d.inGroup(p) {
			d.propose(p, revokeProposals, revoked)
			d.propose(p, appendProposals, added)
		}
	}
	d.expectCommit(now)
}

// split sorts a list into what is in another one as well, and what is not.
func split(list, other []*proposing) (both, only []*proposing) {
	for _, q := range list {
		if slices.ContainsFunc(other, q.same) {
			both = append(both, q)
		} else {
			only = append(only, q)
		}
	}
	return both, only
}

// sign makes the proposal for the current epoch.
func (d *Delivery) sign(q *proposing) bool {
	var err error
	if q.pkg != nil {
		q.msg, q.ref, err = d.signer.SignAdd(d.groupID, d.epoch, q.pkg.Bytes())
	} else {
		q.msg, q.ref, err = d.signer.SignRemove(d.groupID, d.epoch, uint32(q.leaf))
	}
	return err == nil // signing does not fail
}

// propose sends the proposals of a list that concern a client: all but its own
// Add.
func (d *Delivery) propose(p *participant, operation byte, list []*proposing) {
	var body []byte
	for _, q := range list {
		switch {
		case q.add == p:
		case operation == revokeProposals:
			body = appendVector(body, q.ref)
		default:
			body = append(body, q.msg...)
		}
	}
	if body != nil {
		d.send(p, binaryMessage(opcode.DAVEProposals, appendVector([]byte{operation}, body)))
	}
}

// catchUp sends a client that has just joined what waits for a commit, which
// may be its own while there is no group.
//
// https://daveprotocol.com/#initial-group-creation
func (d *Delivery) catchUp(now time.Time, p *participant) {
	if d.inGroup(p) {
		d.propose(p, appendProposals, d.inflight)
		d.expectCommit(now)
	}
}

// expectCommit starts to wait if anybody has something to commit.
func (d *Delivery) expectCommit(now time.Time) {
	able := slices.ContainsFunc(d.order, func(p *participant) bool {
		return d.inGroup(p) && slices.ContainsFunc(d.inflight, func(q *proposing) bool { return q.add != p })
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
	d.inflight, d.stuck, d.transition = nil, time.Time{}, nil
	for _, p := range d.order {
		p.leaf = -1
	}
}

// restart makes everybody create a group. A client alone goes over to its own.
//
// https://daveprotocol.com/#sole-member-reset
func (d *Delivery) restart(now time.Time) {
	d.abandon()
	alone := len(d.order) == 1
	for _, p := range d.order {
		p.pkg, p.hold = nil, time.Time{}
		d.send(p, textMessage(opcode.DAVEPrepareEpoch, epochData{Version: d.target, Epoch: firstEpoch}))
		if alone {
			version := d.target
			d.version = version
			d.send(p, textMessage(opcode.DAVEPrepareTransition, transitionData{ID: initTransition, Version: &version}))
		}
	}
	d.reconcile(now)
}

// refsFor lists the references that a commit of a client has to have.
func (d *Delivery) refsFor(p *participant) map[string]*proposing {
	refs := make(map[string]*proposing, len(d.inflight))
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
