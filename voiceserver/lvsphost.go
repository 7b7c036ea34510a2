package voiceserver

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/lvsp"
)

// An lvspHost is the [Server] as backends drive it. It is called with the mutex
// of the [LVSP] held, and takes the server's.
type lvspHost struct {
	srv      *Server
	channels map[roomKey]lvspChannel
	load     loadMeter
}

// An lvspChannel is one that a backend asked for, with or without members.
type lvspChannel struct {
	bitrate int
	token   string
}

func newLVSPHost(s *Server) *lvspHost {
	return &lvspHost{srv: s, channels: make(map[roomKey]lvspChannel)}
}

func placeOf(c lvsp.Channel) roomKey { return roomKey{c.Backend, c.ID} }

// AssignChannel makes a token that is good for every member of the channel:
// some dialects have no other.
func (h *lvspHost) AssignChannel(_ time.Time, _ lvsp.Ticket, ch lvsp.Channel) (a lvsp.Assignment, err error) {
	h.srv.do(func(_ time.Time, c *Core) {
		if h.srv.closed || h.srv.draining {
			err = ErrClosed
			return
		}
		if a.Token, err = newToken(c.cfg.random); err == nil {
			c.passes[a.Token] = placeOf(ch)
		}
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
	h.srv.do(func(_ time.Time, c *Core) { c.setBitrate(placeOf(ch), ch.Bitrate) })
	return nil
}

// DestroyChannel forgets the channel. Its members are gone.
func (h *lvspHost) DestroyChannel(_ time.Time, ch lvsp.Channel) {
	known := h.channels[placeOf(ch)]
	delete(h.channels, placeOf(ch))
	h.srv.do(func(_ time.Time, c *Core) { delete(c.passes, known.token) })
}

// CreateVoiceState admits a member.
func (h *lvspHost) CreateVoiceState(_ time.Time, _ lvsp.Ticket, v lvsp.VoiceState) (voice lvsp.Voice, err error) {
	m := Member{
		Guild: v.Guild, Channel: v.Channel, User: v.User, SessionID: v.SessionID,
		Backend: v.Backend, WithoutE2EE: v.WithoutDAVE,
	}
	bitrate := h.channels[m.place()].bitrate
	h.srv.do(func(now time.Time, c *Core) {
		if h.srv.closed || h.srv.draining {
			err = ErrClosed
			return
		}
		c.know(m.Backend)
		if voice.Token, err = c.Join(now, m); err == nil {
			_ = c.setState(m.key(), stateOf(v.Flags))
			c.setBitrate(m.place(), bitrate)
		}
	})
	if err != nil {
		return lvsp.Voice{}, refusal(err)
	}
	voice.Endpoint = h.srv.Endpoint()
	return voice, nil
}

// know remembers the name of a backend.
func (c *Core) know(backend string) {
	for _, b := range c.backends {
		if b == backend {
			return
		}
	}
	c.backends = append(c.backends, backend)
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
	h.srv.do(func(_ time.Time, c *Core) { err = c.setState(keyOf(v), stateOf(v.Flags)) })
	return refusal(err)
}

func keyOf(v lvsp.VoiceState) memberKey { return memberKey{v.Backend, v.Server(), v.User} }

// DestroyVoiceState removes a member who is still the one that is meant.
func (h *lvspHost) DestroyVoiceState(_ time.Time, v lvsp.VoiceState, why lvsp.Reason) {
	code := closecode.VoiceDisconnected
	if why == lvsp.ChannelDestroyed {
		code = closecode.VoiceCallTerminated
	}
	h.srv.do(func(now time.Time, c *Core) {
		if m := c.members[keyOf(v)]; m != nil && m.Channel == v.Channel && m.SessionID == v.SessionID {
			c.remove(now, m, code)
		}
	})
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
