package lvsp

import (
	"slices"
	"time"
)

// A state is a user in a channel.
type state struct {
	VoiceState
	ch     *channel
	number uint64 // of the request it is due to, over all sessions
	asked  int64  // the same as the owner counts them, zero if it is another's
	done   bool   // the voice server has let the user in
	owed   bool   // the voice server has yet to answer CreateVoiceState
	doom   Reason // zero unless it was destroyed, perhaps before the voice server answered

	owner   *session
	sweepAt time.Time
}

// find returns the voice state that a message is about: by its session id, or
// by user and guild, or user and channel of a private call. A user may have one
// session id in several guilds.
func (b *backend) find(in Info) *state {
	if in.SessionID != "" && in.Type != StateCreate {
		for _, st := range b.byID[in.SessionID] {
			if (in.User == 0 || in.User == st.User) && (in.Guild == 0 || in.Guild == st.Guild) {
				return st
			}
		}
		return nil
	}
	server := in.Guild
	if ch := b.channels[in.Channel]; server == 0 && ch != nil {
		server = ch.serverID()
	}
	return b.states[seat{server, in.User}]
}

// name gives a voice state another session id, or takes it away.
func (b *backend) name(st *state, id string) {
	if rest := slices.DeleteFunc(b.byID[st.SessionID], func(other *state) bool { return other == st }); len(rest) > 0 {
		b.byID[st.SessionID] = rest
	} else {
		delete(b.byID, st.SessionID)
	}
	if id != "" {
		st.SessionID = id
		b.byID[id] = append(b.byID[id], st)
	}
}

// createState lets a user in. It is idempotent, and moves a user who is in
// another channel of the guild, unless a later request is what led there: it
// may have overtaken this one, which had to wait for the channel.
func (s *Server) createState(now time.Time, ch *channel, r request) {
	if !ch.assigned {
		s.assign(ch, r)
		return
	}
	b, at := ch.b, seat{ch.serverID(), r.User}
	elsewhere := []*state{b.states[at]}
	for _, twin := range b.byID[r.SessionID] {
		if twin.User != r.User {
			s.refuse(now, r.by, r.Info, Conflict, "the session is another user's")
			return
		}
		if r.by.dialect == Seed { // which knows no guilds, so that this is the same one
			elsewhere = append(elsewhere, twin)
		}
	}
	if !s.vacate(ch, r, elsewhere) {
		return
	}
	st := b.states[at]
	if st == nil {
		if st = s.newState(now, ch, r); st == nil {
			return
		}
	}
	before := st.VoiceState
	if r.SessionID != "" {
		b.name(st, r.SessionID)
	}
	st.number, st.asked, st.Flags, st.WithoutDAVE = r.number, r.Request, r.apply(st.Flags), r.WithoutDAVE
	ch.adopt(now, r.by)
	st.owner, st.sweepAt = ch.owner, ch.sweepAt
	st.owed = true
	t := s.wait(pending{kind: creating, ch: ch, r: r, st: st, before: before})
	s.emit(CreateVoiceState{t, st.VoiceState})
}

// vacate ends the voice states of a user in other channels. It reports false
// if one of them is due to a later request.
func (s *Server) vacate(ch *channel, r request, states []*state) bool {
	for _, st := range states {
		switch {
		case st == nil || st.ch == ch || st.doom != 0:
		case st.number > r.number:
			return false
		default:
			s.destroyState(st, Moved)
		}
	}
	return true
}

// newState enters a voice state into the tables. Its session id is the one
// that the backend knows already, or a new one.
func (s *Server) newState(now time.Time, ch *channel, r request) *state {
	if len(ch.b.states) >= s.cfg.states {
		s.refuse(now, r.by, r.Info, Full, "too many voice states")
		return nil
	}
	st := &state{ch: ch, VoiceState: VoiceState{Backend: ch.b.label, Guild: ch.Guild, Channel: ch.ID, User: r.User}}
	name := r.SessionID
	if name == "" {
		var err error
		if name, err = newNonce(s.cfg.random, sessionLength); err != nil {
			s.refuseFor(now, r, err)
			return nil
		}
	}
	ch.states[st.seat()], ch.b.states[st.seat()] = st, st
	ch.b.name(st, name)
	return st
}

// VoiceStateCreated is the answer to a [CreateVoiceState]. An error refuses the
// user, see [RequestError]. Unknown tickets are ignored.
func (s *Server) VoiceStateCreated(now time.Time, t Ticket, voice Voice, err error) {
	if p := s.answered(t, creating); p != nil {
		s.createdFor(now, p, voice, err)
		s.run(now, p.ch)
	}
}

func (s *Server) createdFor(now time.Time, p *pending, voice Voice, err error) {
	st := p.st
	st.owed = false
	switch {
	case st.doom != 0:
		if err == nil {
			s.emit(DestroyVoiceState{st.VoiceState, st.doom})
		}
	case err != nil:
		if st.done { // it stays what it was
			p.ch.b.name(st, p.before.SessionID)
			st.VoiceState = p.before
		} else {
			s.remove(st)
		}
		s.refuseFor(now, p.r, err)
	default:
		known := st.done
		st.done = true
		p.r.by.send(now, st.doneInfo(voice, known, p.r))
	}
}

func (st *state) doneInfo(voice Voice, known bool, r request) Info {
	in := Info{
		Type: StateDone, Request: r.Request, Guild: st.Guild, Channel: st.Channel, User: st.User, SessionID: st.SessionID,
		Token: voice.Token, Endpoint: voice.Endpoint, Known: known,
	}
	if r.by.dialect == Seed { // whose VoiceInfo has them
		in.Flags, in.Given = st.Flags, allFlags
	}
	return in
}

// apply returns the flags after the message.
func (in *Info) apply(before Flags) Flags { return before&^in.Given | in.Flags&in.Given }

func (s *Server) updateState(now time.Time, ch *channel, r request) {
	st := ch.stateOf(r.Info)
	if st == nil {
		s.refuse(now, r.by, r.Info, UnknownState, "")
		return
	}
	changed := st.VoiceState
	changed.Flags = r.apply(changed.Flags)
	t := s.wait(pending{kind: updatingState, ch: ch, r: r, st: st, flags: changed.Flags})
	s.emit(UpdateVoiceState{t, changed})
}

func (s *Server) updatedState(now time.Time, p *pending) {
	st := p.st
	st.Flags = p.flags
	if st.owner != p.r.by {
		st.asked = 0
	}
	p.ch.adopt(now, p.r.by)
	st.owner, st.sweepAt = p.ch.owner, p.ch.sweepAt
}

// leave is what a backend asks for. A user who is gone already may leave once
// more. The seed
// dialect cannot destroy channels: they end with the last user.
func (s *Server) leave(now time.Time, ch *channel, r request) {
	st := ch.stateOf(r.Info)
	if st == nil {
		return
	}
	s.destroyState(st, Left)
	if r.by.dialect == Seed && len(ch.states) == 0 {
		s.destroyChannel(ch)
	}
}

// stateOf returns the voice state of the channel that a message is about. It
// may have moved since the message came.
func (ch *channel) stateOf(in Info) *state {
	if st := ch.b.find(in); st != nil && st.ch == ch {
		return st
	}
	return nil
}

func (ch *channel) serverID() Snowflake { return VoiceState{Guild: ch.Guild, Channel: ch.ID}.Server() }

// destroyState ends a voice state, also one that the voice server has not answered
// about yet.
func (s *Server) destroyState(st *state, why Reason) {
	s.remove(st)
	st.doom = why
	if st.done {
		s.emit(DestroyVoiceState{st.VoiceState, why})
	}
}

func (s *Server) remove(st *state) {
	delete(st.ch.states, st.seat())
	delete(st.ch.b.states, st.seat())
	st.ch.b.name(st, "")
}

// EndVoiceState tells the backend that a user is gone for good, without being
// asked: the voice connection broke and was not resumed. There
// is no task about it. Backend, guild or channel of a private call, user and session id say
// which voice state it is. It reports false if there is none, or if the voice server
// owes a VoiceStateCreated about it, which then decides.
func (s *Server) EndVoiceState(now time.Time, v VoiceState) bool {
	for _, b := range s.backends {
		if st := b.states[v.seat()]; b.label == v.Backend && st != nil && st.SessionID == v.SessionID && !st.owed {
			s.remove(st)
			st.owner.send(now, Info{
				Type: StateDestroy, Request: st.asked,
				Guild: st.Guild, Channel: st.Channel, User: st.User, SessionID: st.SessionID,
			})
			return true
		}
	}
	return false
}
