package lvsp

import "time"

// handleInfo takes an answer of the voice server. Replayed ones that were
// received before, and types that are not known, are ignored.
func (c *Client) handleInfo(now time.Time, m message) error {
	raw, err := parseInfo(m)
	if err != nil {
		return err
	}
	if c.resuming && m.seq >= 0 && m.seq <= c.seq {
		return nil
	}
	c.seq = max(c.seq, m.seq)
	in := raw.info(c.dialect, false)
	if in.check() != nil {
		return nil
	}
	switch in.Type {
	case ChannelAssign:
		c.handleAssign(in)
	case StateDone:
		c.handleDone(now, in)
	case StateDestroy:
		c.handleEnded(in)
	case InfoError:
		c.handleRefused(now, in)
	}
	return nil
}

func (c *Client) handleAssign(in Info) {
	if ch := c.channels[in.Channel]; ch != nil && in.answers(ch.asked) {
		c.emit(ChannelAssigned{Channel: ch.Channel, Assignment: Assignment{Token: in.Token, Endpoint: in.Endpoint}})
	}
}

func (c *Client) handleDone(now time.Time, in Info) {
	st := c.find(in)
	switch {
	case st != nil && !in.answers(st.asked):
		return
	case st == nil && c.dialect != Extended && in.SessionID != "": // left or moved while the voice server made it
		c.submit(now, Info{Type: StateDestroy, Guild: in.Guild, Channel: in.Channel, User: in.User, SessionID: in.SessionID})
		return
	case st == nil:
		return
	}
	if in.SessionID != st.SessionID {
		st.told = -1
	}
	st.done, st.SessionID = true, in.SessionID
	c.emit(StateCreated{State: st.VoiceState, Voice: Voice{Token: in.Token, Endpoint: in.Endpoint}, Known: in.Known})
	if c.dialect != Extended && int(st.Flags) != st.told {
		c.tell(now, st)
	}
}

func (c *Client) handleEnded(in Info) {
	if st := c.find(in); st != nil && in.answers(st.asked) {
		delete(c.states, st.seat())
		c.emit(StateEnded{State: st.VoiceState})
	}
}

// handleRefused forgets what was asked for in vain. What is there all the same
// is kept; its flags were part of what was refused.
func (c *Client) handleRefused(now time.Time, in Info) {
	switch in.Refused {
	case ChannelRequest:
		if ch := c.channels[in.Channel]; ch != nil && in.answers(ch.asked) && !in.Known {
			delete(c.channels, in.Channel)
		}
	case StateCreate:
		st := c.find(in)
		switch {
		case st == nil || !in.answers(st.asked):
		case in.Known:
			st.done = true
			c.tell(now, st)
		default:
			delete(c.states, st.seat())
		}
	}
	c.emit(Refused{Err: errorOf(in)})
}

// find returns the voice state that the voice server means. The seed dialect
// knows no guilds, and who left may be named by the session id alone.
func (c *Client) find(in Info) *wantedState {
	if in.Type == StateDestroy && in.SessionID != "" && in.Request == 0 {
		for _, st := range c.states {
			if st.done && st.SessionID == in.SessionID && (in.User == 0 || in.User == st.User) && (in.Guild == 0 || in.Guild == st.Guild) {
				return st
			}
		}
		return nil
	}
	server := in.Guild
	if ch := c.channels[in.Channel]; server == 0 && ch != nil {
		server = ch.Guild
	}
	if server == 0 {
		server = in.Channel
	}
	if st := c.states[seat{server, in.User}]; st != nil && (st.Channel == in.Channel || in.Channel == 0) {
		return st
	}
	return nil
}
