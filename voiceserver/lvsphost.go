package voiceserver

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// An lvspHost is the [Server] as backends drive it. It is called with the mutex
// of the [LVSP] held, and takes the server's.
type lvspHost struct {
	srv      *Server
	channels map[channelKey]lvspChannel
	load     loadMeter
}

// An lvspChannel is one that a backend asked for, with or without members.
type lvspChannel struct {
	bitrate int
	token   string
}

// A channelKey is a channel of a backend.
type channelKey struct {
	backend string
	channel snowflake.ID
}

func newLVSPHost(s *Server) *lvspHost {
	return &lvspHost{srv: s, channels: make(map[channelKey]lvspChannel)}
}

func placeOf(c lvsp.Channel) channelKey { return channelKey{c.Backend, c.ID} }

// AssignChannel makes a token that is good for every member of the channel:
// some dialects have no other.
func (h *lvspHost) AssignChannel(_ time.Time, _ lvsp.Ticket, ch lvsp.Channel) (a lvsp.Assignment, err error) {
	h.srv.do(func(_ time.Time, c *signaling.Server) {
		if h.srv.closed || h.srv.draining {
			err = ErrClosed
			return
		}
		a.Token, err = c.AdmitChannel(ch.Backend, ch.ID)
	})
	if err != nil {
		return lvsp.Assignment{}, refusal(err)
	}
	h.channels[placeOf(ch)] = lvspChannel{ch.Bitrate, a.Token}
	a.Endpoint = h.srv.Endpoint()
	return a, nil
}

// UpdateChannel enforces another bitrate.
func (h *lvspHost) UpdateChannel(_ time.Time, ch lvsp.Channel) error {
	known := h.channels[placeOf(ch)]
	known.bitrate = ch.Bitrate
	h.channels[placeOf(ch)] = known
	h.srv.do(func(_ time.Time, c *signaling.Server) { c.SetChannelBitrate(ch.Backend, ch.ID, ch.Bitrate) })
	return nil
}

// DestroyChannel forgets the channel. Its members are gone.
func (h *lvspHost) DestroyChannel(_ time.Time, ch lvsp.Channel) {
	known := h.channels[placeOf(ch)]
	delete(h.channels, placeOf(ch))
	h.srv.do(func(_ time.Time, c *signaling.Server) { c.RevokeToken(known.token) })
}

// CreateVoiceState admits a member.
func (h *lvspHost) CreateVoiceState(_ time.Time, _ lvsp.Ticket, v lvsp.VoiceState) (voice lvsp.Voice, err error) {
	m := memberOf(v)
	bitrate := h.channels[channelKey{v.Backend, v.Channel}].bitrate
	h.srv.do(func(now time.Time, c *signaling.Server) {
		if h.srv.closed || h.srv.draining {
			err = ErrClosed
			return
		}
		if voice.Token, err = c.Join(now, m); err == nil {
			_ = c.SetMemberState(m, stateOf(v.Flags)) // it is there
			c.SetChannelBitrate(m.Backend, m.Channel, bitrate)
		}
	})
	if err != nil {
		return lvsp.Voice{}, refusal(err)
	}
	voice.Endpoint = h.srv.Endpoint()
	return voice, nil
}

// stateOf makes no difference between what a moderator wants and what the user
// does: nobody hears whoever is muted, and who is deaf needs no packets.
func stateOf(f lvsp.Flags) MemberState {
	return MemberState{
		Mute:     f&(lvsp.Mute|lvsp.SelfMute) != 0,
		Deaf:     f&(lvsp.Deaf|lvsp.SelfDeaf) != 0,
		Suppress: f&lvsp.Suppress != 0,
	}
}

// UpdateVoiceState enforces other flags.
func (h *lvspHost) UpdateVoiceState(_ time.Time, v lvsp.VoiceState) (err error) {
	h.srv.do(func(_ time.Time, c *signaling.Server) { err = c.SetMemberState(memberOf(v), stateOf(v.Flags)) })
	return refusal(err)
}

func memberOf(v lvsp.VoiceState) Member {
	return Member{
		Guild: v.Guild, Channel: v.Channel, User: v.User, SessionID: v.SessionID,
		Backend: v.Backend, WithoutE2EE: v.WithoutDAVE,
	}
}

// DestroyVoiceState removes a member who is still the one that is meant.
func (h *lvspHost) DestroyVoiceState(_ time.Time, v lvsp.VoiceState, why lvsp.Reason) {
	code := closecode.VoiceDisconnected
	if why == lvsp.ChannelDestroyed {
		code = closecode.VoiceCallTerminated
	}
	h.srv.do(func(now time.Time, c *signaling.Server) { c.Remove(now, memberOf(v), code) })
}

// Health says how much more the server can take.
func (h *lvspHost) Health(now time.Time) float64 { return h.load.health(now, h.srv) }

// Refused logs what no answer tells.
func (h *lvspHost) Refused(_ time.Time, backend string, e *lvsp.RequestError) {
	h.srv.cfg.logger.Warn("request of a backend refused", "backend", backend, "error", e)
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
