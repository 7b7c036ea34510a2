package lvsp

import (
	"slices"
	"time"
)

// A channel is one of a backend's. What is asked about it is done in the order
// of asking, one by one: a user who joins a channel that is not assigned yet waits.
type channel struct {
	Channel
	b        *backend
	assigned bool
	answer   Assignment
	states   map[seat]*state

	busy  Ticket // zero unless the voice server owes an answer
	queue []request

	owner   *session // who asked for it last
	sweepAt time.Time
}

// A request is an INFO of a backend.
type request struct {
	Info
	by     *session
	number uint64 // in the order in which they came, over all channels
}

// pending is a request that waits for an answer of the voice server.
type pending struct {
	ch   *channel
	r    request
	kind taskKind

	// Of a request for a voice state: the one it makes, and what that was.
	st     *state
	before VoiceState

	// Of a request for an update: the flags or the bitrate that it sets.
	flags   Flags
	bitrate int
}

// A taskKind is what a ticket is for.
type taskKind uint8

const (
	assigning taskKind = iota + 1
	creating
	updatingState
	updatingChannel
)

// request takes a request of a backend.
func (s *Server) request(now time.Time, se *session, in Info) {
	if err := in.check(); err != nil {
		s.refuse(now, se, in, BadRequest, err.Error())
		return
	}
	b := se.b
	if st := b.find(in); st != nil && in.Type == StateUpdate && in.Channel != 0 && in.Channel != st.Channel && se.dialect == Seed {
		in.Type, in.User = StateCreate, st.User // the seed dialect moves with an update
	} else if st != nil && (in.Type == StateUpdate || in.Type == StateDestroy) && (in.SessionID != "" || in.Channel == 0) {
		in.Channel = st.Channel
	}
	ch := b.channels[in.Channel]
	switch {
	case ch == nil && (in.Type == StateUpdate || in.Type == StateDestroy):
		s.refuse(now, se, in, UnknownState, "")
		return
	case ch == nil && in.Type != ChannelRequest && in.Type != StateCreate:
		s.refuse(now, se, in, UnknownChannel, "")
		return
	case ch == nil && len(b.channels) >= s.cfg.channels:
		s.refuse(now, se, in, Full, "too many channels")
		return
	case ch == nil:
		ch = &channel{b: b, states: make(map[seat]*state), Channel: Channel{Backend: b.label, Guild: in.Guild, ID: in.Channel, Bitrate: in.Bitrate}}
		b.channels[in.Channel] = ch
	case len(ch.queue) >= s.cfg.queue:
		s.refuse(now, se, in, QueueFull, "")
		return
	}
	s.requests++
	ch.queue = append(ch.queue, request{in, se, s.requests})
	s.run(now, ch)
}

// run does what is asked about a channel, until the voice server owes an answer.
func (s *Server) run(now time.Time, ch *channel) {
	for ch.busy == 0 && len(ch.queue) > 0 {
		r := ch.queue[0]
		ch.queue[0] = request{}
		ch.queue = ch.queue[1:]
		s.perform(now, ch, r)
	}
	if ch.busy == 0 && !ch.assigned {
		s.forget(ch)
	}
}

func (s *Server) perform(now time.Time, ch *channel, r request) {
	if r.Guild != 0 && r.Guild != ch.Guild && ch.assigned {
		s.refuse(now, r.by, r.Info, Conflict, "the channel is another guild's")
		return
	}
	switch r.Type {
	case ChannelRequest:
		s.requestChannel(now, ch, r)
	case ChannelUpdate:
		s.updateChannel(now, ch, r)
	case ChannelDestroy:
		s.destroyChannel(ch)
	case StateCreate:
		s.createState(now, ch, r)
	case StateUpdate:
		s.updateState(now, ch, r)
	case StateDestroy:
		s.leave(now, ch, r)
	}
}

// adopt makes the channel one that the session wants.
func (ch *channel) adopt(now time.Time, se *session) { ch.owner, ch.sweepAt = se, se.claim(now) }

// requestChannel is idempotent: a backend that is back asks for everything
// again.
func (s *Server) requestChannel(now time.Time, ch *channel, r request) {
	if !ch.assigned {
		s.assign(ch, r)
		return
	}
	if r.Bitrate != 0 && r.Bitrate != ch.Bitrate {
		s.updateChannel(now, ch, r)
		return
	}
	ch.adopt(now, r.by)
	s.announce(now, ch, r)
}

// assign has the channel made ready, on behalf of a request for it or for a
// voice state in it.
func (s *Server) assign(ch *channel, r request) {
	ch.Guild, ch.Bitrate = r.Guild, r.Bitrate
	s.emit(AssignChannel{s.wait(pending{kind: assigning, ch: ch, r: r}), ch.Channel})
}

// ChannelAssigned is the answer to an [AssignChannel]. An error refuses the
// channel, see [RequestError]. Unknown tickets are ignored.
func (s *Server) ChannelAssigned(now time.Time, t Ticket, answer Assignment, err error) {
	if p := s.answered(t, assigning); p != nil {
		s.assignedTo(now, p, answer, err)
		s.run(now, p.ch)
	}
}

// Updated is the answer to an [UpdateChannel] or [UpdateVoiceState]. An error
// refuses the update, see [RequestError]: the bitrate or the flags stay what
// they were. Unknown tickets are ignored.
func (s *Server) Updated(now time.Time, t Ticket, err error) {
	p := s.answered(t, updatingChannel, updatingState)
	if p == nil {
		return
	}
	switch {
	case p.st != nil && p.ch.b.states[p.st.seat()] != p.st: // it has ended meanwhile
	case err != nil:
		s.refuseFor(now, p.r, err)
	case p.kind == updatingState:
		s.updatedState(now, p)
	default:
		p.ch.Bitrate = p.bitrate
		p.ch.adopt(now, p.r.by)
		if p.r.Type == ChannelRequest {
			s.announce(now, p.ch, p.r)
		}
	}
	s.run(now, p.ch)
}

func (s *Server) assignedTo(now time.Time, p *pending, answer Assignment, err error) {
	ch := p.ch
	if err != nil {
		s.refuseFor(now, p.r, err)
		return
	}
	ch.assigned, ch.answer = true, answer
	ch.adopt(now, p.r.by)
	if p.r.Type == ChannelRequest {
		s.announce(now, ch, p.r)
		return
	}
	s.createState(now, ch, p.r)
}

// wait returns the ticket for an answer, until which the channel is busy.
func (s *Server) wait(p pending) Ticket {
	s.ticket++
	s.tickets[s.ticket] = &p
	p.ch.busy = s.ticket
	return s.ticket
}

// answered returns what waited for a ticket, nil if nothing of these kinds did.
// The channel is not busy any more.
func (s *Server) answered(t Ticket, kinds ...taskKind) *pending {
	p := s.tickets[t]
	if p == nil || !slices.Contains(kinds, p.kind) {
		return nil
	}
	delete(s.tickets, t)
	p.ch.busy = 0
	return p
}

func (s *Server) announce(now time.Time, ch *channel, r request) {
	r.by.send(now, Info{
		Type: ChannelAssign, Request: r.Request, Guild: ch.Guild, Channel: ch.ID, Bitrate: ch.Bitrate,
		Token: ch.answer.Token, Endpoint: ch.answer.Endpoint,
	})
}

func (s *Server) updateChannel(now time.Time, ch *channel, r request) {
	if !ch.assigned {
		s.refuse(now, r.by, r.Info, UnknownChannel, "")
		return
	}
	changed := ch.Channel
	changed.Bitrate = r.Bitrate
	t := s.wait(pending{kind: updatingChannel, ch: ch, r: r, bitrate: r.Bitrate})
	s.emit(UpdateChannel{t, changed})
}

// destroyChannel ends a channel for all users in it. It may be asked for again
// by what is in its queue.
func (s *Server) destroyChannel(ch *channel) {
	for _, st := range sorted(ch.states) {
		s.destroyState(st, ChannelDestroyed)
	}
	if ch.assigned {
		ch.assigned, ch.answer = false, Assignment{}
		s.emit(DestroyChannel{ch.Channel})
	}
}

func (s *Server) forget(ch *channel) {
	if ch.b.channels[ch.ID] == ch {
		delete(ch.b.channels, ch.ID)
	}
}

// refuse tells that a request is not done.
func (s *Server) refuse(now time.Time, se *session, in Info, code ErrorCode, text string) {
	s.refuseFor(now, request{Info: in, by: se}, &RequestError{Code: code, Message: text})
}

func (s *Server) refuseFor(now time.Time, r request, err error) {
	e := refusal(r.Info, err)
	e.Known = r.by.b.knows(r.Info)
	s.emit(RequestRefused{r.by.b.label, e})
	if r.by.dialect == Extended {
		r.by.send(now, e.info())
	}
}

// knows reports whether what is asked for is there already.
func (b *backend) knows(in Info) bool {
	switch in.Type {
	case ChannelRequest:
		ch := b.channels[in.Channel]
		return ch != nil && ch.assigned && ch.Guild == in.Guild
	case StateCreate:
		st := b.find(in)
		return st != nil && st.done && st.Channel == in.Channel
	}
	return false
}
