package voiceserver

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// lvspChannels are the channels that backends asked for, with or without
// members. The mutex of the [LVSP] guards them.
type lvspChannels map[channelKey]lvspChannel

// A channelKey is a channel of a backend.
type channelKey struct {
	backend string
	channel snowflake.ID
}

type lvspChannel struct {
	bitrate int
	token   string // good for every member
}

// perform does what the machine wants done, and answers at once. The caller
// holds the mutex.
func (v *LVSP) perform(now time.Time, task lvsp.Task) {
	switch t := task.(type) {
	case lvsp.AssignChannel:
		answer, err := v.assign(t.Channel)
		v.machine.ChannelAssigned(now, t.Ticket, answer, refusal(err))
	case lvsp.UpdateChannel:
		known := v.channels[placeOf(t.Channel)]
		known.bitrate = t.Channel.Bitrate
		v.channels[placeOf(t.Channel)] = known
		v.srv.do(func(_ time.Time, s *signaling.Server) {
			s.SetChannelBitrate(t.Channel.Backend, t.Channel.ID, t.Channel.Bitrate)
		})
		v.machine.Updated(now, t.Ticket, nil)
	case lvsp.DestroyChannel:
		known := v.channels[placeOf(t.Channel)]
		delete(v.channels, placeOf(t.Channel))
		v.srv.do(func(_ time.Time, s *signaling.Server) { s.RevokeToken(known.token) })
	case lvsp.CreateVoiceState:
		voice, err := v.admit(t.State)
		v.machine.VoiceStateCreated(now, t.Ticket, voice, refusal(err))
	case lvsp.UpdateVoiceState:
		var err error
		v.srv.do(func(_ time.Time, s *signaling.Server) {
			err = s.SetMemberState(memberOf(t.State), stateOf(t.State.Flags))
		})
		v.machine.Updated(now, t.Ticket, refusal(err))
	case lvsp.DestroyVoiceState:
		v.srv.do(func(now time.Time, s *signaling.Server) { s.Remove(now, memberOf(t.State), endCode(t.Reason)) })
	case lvsp.RequestRefused:
		v.srv.cfg.logger.Warn("request of a backend refused", "backend", t.Backend, "error", t.Err)
	}
}

func placeOf(c lvsp.Channel) channelKey { return channelKey{c.Backend, c.ID} }

// assign makes a token that is good for every member of the channel: some
// dialects have no other.
func (v *LVSP) assign(ch lvsp.Channel) (a lvsp.Assignment, err error) {
	v.srv.do(func(_ time.Time, s *signaling.Server) {
		if err = v.srv.over(); err == nil {
			a.Token, err = s.AdmitChannel(ch.Backend, ch.ID)
		}
	})
	if err != nil {
		return lvsp.Assignment{}, err
	}
	v.channels[placeOf(ch)] = lvspChannel{ch.Bitrate, a.Token}
	a.Endpoint = v.srv.Endpoint()
	return a, nil
}

// admit makes a user a member.
func (v *LVSP) admit(state lvsp.VoiceState) (voice lvsp.Voice, err error) {
	m := memberOf(state)
	bitrate := v.channels[channelKey{m.Backend, m.Channel}].bitrate
	v.srv.do(func(now time.Time, s *signaling.Server) {
		if err = v.srv.over(); err != nil {
			return
		}
		if voice.Token, err = s.Join(now, m); err == nil {
			_ = s.SetMemberState(m, stateOf(state.Flags)) // it is there
			s.SetChannelBitrate(m.Backend, m.Channel, bitrate)
		}
	})
	if err != nil {
		return lvsp.Voice{}, err
	}
	voice.Endpoint = v.srv.Endpoint()
	return voice, nil
}

// over returns an error if no member is let in any more. The caller holds the
// server's mutex.
func (s *Server) over() error {
	if s.closed || s.draining {
		return ErrClosed
	}
	return nil
}

func memberOf(v lvsp.VoiceState) Member {
	return Member{
		Guild: v.Guild, Channel: v.Channel, User: v.User, SessionID: v.SessionID,
		Backend: v.Backend, WithoutE2EE: v.WithoutDAVE,
	}
}

func voiceState(m Member) lvsp.VoiceState {
	return lvsp.VoiceState{Backend: m.Backend, Guild: m.Guild, Channel: m.Channel, User: m.User, SessionID: m.SessionID}
}

// stateOf makes no difference between what a moderator wants and what the user
// does: the others do not hear a member who is muted, and a member who is deaf
// needs no packets.
func stateOf(f lvsp.Flags) MemberState {
	return MemberState{
		Mute:     f&(lvsp.Mute|lvsp.SelfMute) != 0,
		Deaf:     f&(lvsp.Deaf|lvsp.SelfDeaf) != 0,
		Suppress: f&lvsp.Suppress != 0,
	}
}

// endCode returns the close code of a voice connection that ends for a reason.
func endCode(why lvsp.Reason) closecode.Voice {
	if why == lvsp.ChannelDestroyed {
		return closecode.VoiceCallTerminated
	}
	return closecode.VoiceDisconnected
}

// refusal gives errors of the server their codes.
func refusal(err error) error {
	code := lvsp.Internal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrChannelFull), errors.Is(err, ErrClosed):
		code = lvsp.Full
	case errors.Is(err, ErrMember):
		code = lvsp.BadRequest
	case errors.Is(err, ErrNoMember):
		code = lvsp.UnknownState
	}
	return &lvsp.RequestError{Code: code, Message: err.Error()}
}
