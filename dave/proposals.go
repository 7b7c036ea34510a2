package dave

import (
	"bytes"
	"errors"
	"slices"

	"github.com/discordpkg/gateway/internal/mls"
)

// maxProposals is how many proposals are queued in one epoch.
const maxProposals = 4096

var (
	errProposals    = errors.New("dave: malformed list of proposals")
	errUnrecognised = errors.New("dave: a user is to be added who is not in the channel")
)

// handleProposals queues or revokes proposals, and commits what is queued.
//
// https://daveprotocol.com/#proposal-handling
func (s *Session) handleProposals(data []byte) error {
	if s.group == nil {
		return refused{errNoGroup}
	}
	operation, list, ok := parseProposals(data)
	if !ok {
		return refused{errProposals}
	}
	change := s.queue
	if operation == revokeProposals {
		change = s.revoke
	}
	before := len(s.proposals)
	if err := change(list); err != nil {
		return err
	}
	if len(s.proposals) == before || len(s.proposals) == 0 {
		return nil
	}
	return s.commit()
}

// parseProposals takes the data of [opcode.DAVEProposals] apart.
func parseProposals(data []byte) (operation byte, list []byte, ok bool) {
	if len(data) == 0 {
		return 0, nil, false
	}
	list, rest, ok := vector(data[1:])
	return data[0], list, ok && len(rest) == 0 && data[0] <= revokeProposals
}

// queue appends proposals. One that is wrong takes the others with it, except
// an Add of a user who is not in the channel.
func (s *Session) queue(list []byte) error {
	queued := s.proposals
	for len(list) > 0 {
		p, rest, err := s.group.ParseProposal(list)
		list = rest
		switch {
		case err != nil:
			return refused{err}
		case len(queued) == maxProposals:
			return refused{errProposals}
		case p.Add != nil && !s.users.mayJoin(p.Add.Identity()):
			s.refuse(errUnrecognised)
		case !slices.ContainsFunc(queued, func(q *mls.Proposal) bool { return bytes.Equal(q.Ref, p.Ref) }):
			queued = append(queued[:len(queued):len(queued)], p)
		}
	}
	s.proposals = queued
	return nil
}

// revoke takes proposals back.
func (s *Session) revoke(list []byte) error {
	refs, ok := parseRefs(list)
	if !ok {
		return refused{errProposals}
	}
	s.proposals = slices.DeleteFunc(s.proposals, func(p *mls.Proposal) bool {
		return slices.ContainsFunc(refs, func(ref []byte) bool { return bytes.Equal(ref, p.Ref) })
	})
	return nil
}
