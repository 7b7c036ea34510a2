package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/discordpkg/gateway/internal/mls"
)

// A follower is one implementation as a member that others add to a group. What
// it is given are the payloads of the voice gateway's messages, without
// transition ids.
type follower interface {
	begin(external []byte) (keyPackage []byte, err error) // as a new member
	join(welcome []byte) (time.Duration, error)
	propose(proposals []byte) (time.Duration, error) // answers with a commit
	follow(commit []byte) (time.Duration, error)
	code() (string, error) // for privacy
}

// Names of what is measured with groups.
const (
	joins        = "join"
	commitsAdd   = "commit an Add"
	commitsGone  = "commit a Remove"
	followsAdd   = "follow an Add"
	followsGone  = "follow a Remove"
	groupMembers = 50
	channelID    = 1
)

// deeds are what a member can do after it has joined.
var deeds = []struct {
	name    string
	add     bool
	follows bool
}{{commitsAdd, true, false}, {commitsGone, false, false}, {followsAdd, true, true}, {followsGone, false, true}}

// A groupCost is what something took in milliseconds, in the median of all
// rounds.
type groupCost struct{ Ours, Theirs float64 }

// groups lets both implementations be the last member of the same group, in
// turns. The first round does not count.
func groups(ctx context.Context, members, rounds int) (costs map[string]groupCost, err error) {
	theirs, err := startDavey(ctx, members)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, theirs.stop()) }()
	a, err := newAudience(members)
	if err != nil {
		return nil, err
	}
	times := [2]map[string][]float64{{}, {}}
	for round := range rounds + 1 {
		for i := range deeds {
			codes := [2]string{}
			for k, f := range []follower{&ours{members: members}, theirs} {
				if codes[k], err = a.admit(f, i, times[k], round > 0); err != nil {
					return nil, err
				}
			}
			if len(codes[0]) != 30 || len(codes[1]) != 30 {
				return nil, fmt.Errorf("privacy codes are %q and %q", codes[0], codes[1])
			}
		}
		fmt.Fprintf(os.Stderr, "groups, round %d of %d\n", round, rounds)
	}
	costs = make(map[string]groupCost)
	for name, list := range times[0] {
		costs[name] = groupCost{median(list), median(times[1][name])}
	}
	return costs, nil
}

// An audience is a group without its last member, seen by its first one.
type audience struct {
	signer *mls.ExternalSigner
	group  *mls.Group
	size   int
}

// groupID is the id of the group.
var groupID = binary.BigEndian.AppendUint64(nil, channelID)

func newJoiner(user int) (*mls.Joiner, error) {
	key, err := mls.GenerateSignatureKey()
	if err != nil {
		return nil, err
	}
	return mls.NewJoiner(binary.BigEndian.AppendUint64(nil, uint64(user)), key) //nolint:gosec // tens
}

// newAudience makes a group of all but one member.
func newAudience(size int) (*audience, error) {
	signer, err := mls.NewExternalSigner(nil)
	if err != nil {
		return nil, err
	}
	first, err := newJoiner(1)
	if err != nil {
		return nil, err
	}
	a := &audience{signer: signer, size: size}
	if a.group, err = first.CreateGroup(groupID, signer.Sender()); err != nil {
		return nil, err
	}
	var list []byte
	for user := 2; user < size; user++ {
		j, err := newJoiner(user)
		if err != nil {
			return nil, err
		}
		msg, _, err := signer.SignAdd(groupID, 0, j.KeyPackage())
		if err != nil {
			return nil, err
		}
		list = append(list, msg...)
	}
	staged, err := commit(a.group, list)
	if err != nil {
		return nil, err
	}
	a.group = staged.Next
	return a, nil
}

// commit commits a list of proposals.
func commit(g *mls.Group, list []byte) (*mls.Staged, error) {
	var all []*mls.Proposal
	for len(list) > 0 {
		p, rest, err := g.ParseProposal(list)
		if err != nil {
			return nil, err
		}
		all, list = append(all, p), rest
	}
	return g.Commit(all)
}

// admit adds a member, which then does deed i.
func (a *audience) admit(f follower, i int, times map[string][]float64, counts bool) (code string, err error) {
	g, took, err := a.add(f)
	if err != nil {
		return "", err
	}
	if code, err = f.code(); err != nil {
		return "", err
	}
	d, err := a.act(f, g, deeds[i].add, deeds[i].follows)
	if counts {
		times[joins] = append(times[joins], float64(took)/1e6)
		times[deeds[i].name] = append(times[deeds[i].name], float64(d)/1e6)
	}
	return code, err
}

// add adds a member, and returns the group as the first one sees it then.
func (a *audience) add(f follower) (g *mls.Group, took time.Duration, err error) {
	keyPackage, err := f.begin(a.signer.Sender().Append(nil))
	if err != nil {
		return nil, 0, err
	}
	msg, _, err := a.signer.SignAdd(groupID, a.group.Epoch(), keyPackage)
	if err != nil {
		return nil, 0, err
	}
	staged, err := commit(a.group, msg)
	if err != nil {
		return nil, 0, err
	}
	took, err = f.join(staged.Welcome)
	return staged.Next, took, err
}

// act has a member commit a proposal or, after that, follow the commit of the
// first member instead.
func (a *audience) act(f follower, g *mls.Group, add, follows bool) (took time.Duration, err error) {
	msg, err := a.proposal(g, add)
	if err != nil {
		return 0, err
	}
	took, err = f.propose(append([]byte{0}, vector(msg)...))
	if err != nil || !follows {
		return took, err
	}
	staged, err := commit(g, msg)
	if err != nil {
		return 0, err
	}
	return f.follow(staged.Commit)
}

// proposal is to add somebody, or to remove the tenth member or the second.
func (a *audience) proposal(g *mls.Group, add bool) ([]byte, error) {
	if !add {
		msg, _, err := a.signer.SignRemove(groupID, g.Epoch(), uint32(min(9, a.size-2))) //nolint:gosec // tens
		return msg, err
	}
	j, err := newJoiner(a.size + 1)
	if err != nil {
		return nil, err
	}
	msg, _, err := a.signer.SignAdd(groupID, g.Epoch(), j.KeyPackage())
	return msg, err
}

// vector prefixes bytes with their length, as MLS does.
func vector(b []byte) []byte {
	if len(b) < 64 {
		return append([]byte{byte(len(b))}, b...)
	}
	if len(b) < 1<<14 {
		return append(binary.BigEndian.AppendUint16(nil, 1<<14|uint16(len(b))), b...) //nolint:gosec // bounded above
	}
	return append(binary.BigEndian.AppendUint32(nil, 2<<30|uint32(len(b))), b...) //nolint:gosec // a few messages
}
