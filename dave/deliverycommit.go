package dave

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
)

// handleCommit judges a commit with its welcome. The first that is in order
// wins, all others are dropped: they are what the other members made of the same
// proposals, or of older ones.
//
// https://daveprotocol.com/#voice-gateway-commit-validity
func (d *Delivery) handleCommit(now time.Time, p *participant, data []byte) error {
	info, err := mls.InspectCommit(data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCommit, err)
	}
	list, ok := d.judge(p, &info)
	if !ok {
		return nil
	}
	welcomes, err := d.welcomes(list, info.Rest)
	if err != nil {
		return err
	}
	d.announce(now, p, data[:len(data)-len(info.Rest)], list, welcomes)
	return nil
}

// judge returns the proposals of a commit that is in order. One that adds a
// member without a welcome is of no use, but davey makes such.
func (d *Delivery) judge(p *participant, info *mls.CommitInfo) ([]*proposal, bool) {
	leaf := p.leaf
	if !d.established {
		leaf = 0 // of the local group
	}
	switch {
	case len(d.inflight) == 0 || p.pkg == nil || p.barred || leaf < 0,
		info.Epoch != d.epoch || !bytes.Equal(info.GroupID, d.groupID),
		info.Inline || int64(info.Sender) != int64(leaf),
		info.Path != nil && !sameKey(p, info.Path):
		return nil, false
	}
	want := d.refsFor(p)
	list := make([]*proposal, 0, len(want))
	adds := false
	for _, ref := range info.Refs {
		q := want[string(ref)]
		if q == nil || q.pkg == nil && info.Path == nil {
			return nil, false
		}
		delete(want, string(ref))
		list = append(list, q)
		adds = adds || q.isAdd()
	}
	return list, len(list) > 0 && len(want) == 0 && (!adds || len(info.Rest) > 0)
}

// welcomes takes a welcome apart: it has to be for exactly those that the
// commit adds.
func (d *Delivery) welcomes(list []*proposal, welcome []byte) (map[*mls.KeyPackage][]byte, error) {
	parts := make(map[*mls.KeyPackage][]byte)
	byRef := make(map[string]*mls.KeyPackage)
	for _, q := range list {
		if q.pkg != nil {
			byRef[string(q.pkg.Ref())] = q.pkg
		}
	}
	if len(byRef) == 0 && len(welcome) == 0 {
		return parts, nil
	}
	split, err := mls.SplitWelcome(welcome)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCommit, err)
	}
	for _, part := range split {
		pkg := byRef[string(part.Ref)]
		if pkg == nil {
			return nil, fmt.Errorf("%w: the welcome names a member that the commit does not add", ErrCommit)
		}
		delete(byRef, string(part.Ref))
		parts[pkg] = part.Welcome()
	}
	if len(byRef) > 0 {
		return nil, fmt.Errorf("%w: the welcome leaves out a member that the commit adds", ErrCommit)
	}
	return parts, nil
}

// announce moves on to the epoch of a commit.
//
// https://daveprotocol.com/#commit-ordering
func (d *Delivery) announce(now time.Time, committer *participant, commit []byte, list []*proposal, welcomes map[*mls.KeyPackage][]byte) {
	t := d.newTransition(now, d.target)
	t.committer, d.last = committer, t
	id := binary.BigEndian.AppendUint16(nil, t.id)
	if !d.established {
		committer.leaf = 0
		d.leaves = []*participant{committer}
		d.established = true
	}
	commit = append(id[:2:2], commit...)
	for _, p := range d.order {
		if p.leaf >= 0 {
			t.wait(p)
			d.send(p, binaryMessage(opcode.DAVEAnnounceCommit, commit))
		}
	}
	for _, q := range list {
		if q.pkg == nil {
			d.leaves[q.leaf] = nil
		}
	}
	for _, q := range list {
		if q.pkg == nil {
			continue
		}
		q.add.leaf = d.freeLeaf()
		d.leaves[q.add.leaf] = q.add
		t.wait(q.add)
		d.send(q.add, binaryMessage(opcode.DAVEWelcome, append(id[:2:2], welcomes[q.pkg]...)))
	}
	d.epoch++
	d.inflight, d.stuck, d.attempts = nil, time.Time{}, 0
}

// freeLeaf is the leftmost leaf that is blank, or a new one.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.7
func (d *Delivery) freeLeaf() int {
	for i, p := range d.leaves {
		if p == nil {
			return i
		}
	}
	d.leaves = append(d.leaves, nil)
	return len(d.leaves) - 1
}
