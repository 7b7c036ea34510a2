package lvsp

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// What a caller asked of a [Client] that does not make sense.
var (
	ErrNoID      = errors.New("lvsp: an id is zero")
	ErrNotThere  = errors.New("lvsp: no such channel or voice state")
	ErrMismatch  = errors.New("lvsp: the channel is in another guild")
	ErrSessionID = fmt.Errorf("lvsp: session id of more than %d bytes", maxText)
)

type wantedChannel struct {
	Channel
	asked int64 // the number of the request for it
}

type wantedState struct {
	VoiceState
	asked int64 // the number of the request for it
	done  bool  // the voice server knows it
	told  int   // which flags it was told, -1 if that is not known
}

// answers reports whether a message is about the request with the number, as
// far as the dialect tells. Requests overtake the answers to earlier ones.
func (in *Info) answers(asked int64) bool { return in.Request == 0 || in.Request == asked }

// OpenChannel makes a channel ready, or changes its bitrate. [ChannelAssigned]
// follows, except in the dialect Wire2022.
func (c *Client) OpenChannel(now time.Time, ch Channel) error {
	old := c.channels[ch.ID]
	switch {
	case ch.ID == 0:
		return ErrNoID
	case old == nil:
		c.channels[ch.ID] = &wantedChannel{Channel: ch}
		c.request(now, c.channels[ch.ID])
	case old.Guild != ch.Guild:
		return ErrMismatch
	case old.Bitrate != ch.Bitrate:
		old.Bitrate = ch.Bitrate
		c.submit(now, ch.info(ChannelUpdate))
	}
	return nil
}

func (c *Client) request(now time.Time, ch *wantedChannel) {
	ch.asked = c.submit(now, ch.info(ChannelRequest))
}

func (ch Channel) info(t InfoType) Info {
	return Info{Type: t, Guild: ch.Guild, Channel: ch.ID, Bitrate: ch.Bitrate}
}

// CloseChannel ends a channel for all users in it.
func (c *Client) CloseChannel(now time.Time, channel Snowflake) error {
	ch := c.channels[channel]
	if ch == nil {
		return ErrNotThere
	}
	if _, ok := c.dialect.Number(ChannelDestroy); !ok { // they have to leave one by one
		for _, st := range c.sortedStates() {
			if st.Channel == channel {
				c.depart(now, st)
			}
		}
	}
	maps.DeleteFunc(c.states, func(_ seat, st *wantedState) bool { return st.Channel == channel })
	delete(c.channels, channel)
	c.submit(now, Info{Type: ChannelDestroy, Guild: ch.Guild, Channel: channel})
	return nil
}

// Join lets a user into a channel, which it opens if need be. [StateCreated]
// follows. A user who is in another channel of the guild moves; one who is in
// this channel gets a new token. The session id is the voice server's choice if
// it is empty, and in other dialects than Extended.
func (c *Client) Join(now time.Time, v VoiceState) error {
	switch ch := c.channels[v.Channel]; {
	case v.User == 0 || v.Channel == 0:
		return ErrNoID
	case len(v.SessionID) > maxText:
		return ErrSessionID
	case ch != nil && ch.Guild != v.Guild:
		return ErrMismatch
	case ch == nil:
		_ = c.OpenChannel(now, Channel{Guild: v.Guild, ID: v.Channel})
	}
	if st := c.states[v.seat()]; st != nil && st.Channel != v.Channel {
		c.depart(now, st)
	} else if st != nil && v.SessionID == "" {
		v.SessionID = st.SessionID
	}
	st := &wantedState{VoiceState: v}
	c.states[v.seat()] = st
	c.create(now, st)
	return nil
}

// Update changes mute, deaf and suppress of a user. Server is the guild, or the
// channel of a private call.
func (c *Client) Update(now time.Time, server, user Snowflake, flags Flags) error {
	st := c.states[seat{server, user}]
	if st == nil {
		return ErrNotThere
	}
	if st.Flags != flags {
		st.Flags = flags
		c.tell(now, st)
	}
	return nil
}

// Leave takes a user out. Server is the guild, or the channel of a private call.
func (c *Client) Leave(now time.Time, server, user Snowflake) error {
	st := c.states[seat{server, user}]
	if st == nil {
		return ErrNotThere
	}
	delete(c.states, st.seat())
	c.depart(now, st)
	return nil
}

// VoiceStates returns who is to be in which channel, ordered by guild or
// private call, and user.
func (c *Client) VoiceStates() []VoiceState {
	all := make([]VoiceState, 0, len(c.states))
	for _, st := range c.sortedStates() {
		all = append(all, st.VoiceState)
	}
	return all
}

func (c *Client) sortedStates() []*wantedState {
	return slices.SortedFunc(maps.Values(c.states), func(a, b *wantedState) int {
		return cmp.Or(cmp.Compare(a.Server(), b.Server()), cmp.Compare(a.User, b.User))
	})
}

// assertAll asks for everything, for a voice server that may know nothing. It
// ends what is not asked for.
func (c *Client) assertAll(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(c.channels)) {
		c.request(now, c.channels[id])
	}
	for _, st := range c.sortedStates() {
		c.create(now, st)
	}
}

func (c *Client) create(now time.Time, st *wantedState) {
	st.done, st.told = false, -1 // it may be there still, with flags
	in := Info{Type: StateCreate, Guild: st.Guild, Channel: st.Channel, User: st.User}
	if c.dialect == Extended {
		in.SessionID, in.Flags, in.Given, in.WithoutDAVE = st.SessionID, st.Flags, allFlags, st.WithoutDAVE
	}
	st.asked = c.submit(now, in)
}

// tell sends the flags of a voice state. Except in the extended dialect its
// session id must be known for that.
func (c *Client) tell(now time.Time, st *wantedState) {
	if c.dialect == Extended || st.done {
		in := c.about(st, StateUpdate)
		in.Flags, in.Given = st.Flags, allFlags
		c.submit(now, in)
		st.told = int(st.Flags)
	}
}

// depart ends a voice state that is no longer wanted. One whose session id is
// not known yet is ended when it is.
func (c *Client) depart(now time.Time, st *wantedState) {
	if c.dialect == Extended || c.dialect == Wire2022 || st.done {
		c.submit(now, c.about(st, StateDestroy))
	}
}

// about names a voice state: by user and channel in the extended dialect,
// which needs no answer for that.
func (c *Client) about(st *wantedState, t InfoType) Info {
	in := Info{Type: t, Guild: st.Guild, Channel: st.Channel, User: st.User}
	if c.dialect != Extended && st.done {
		in.SessionID = st.SessionID
	}
	return in
}
