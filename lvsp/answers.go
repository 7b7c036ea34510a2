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
		c.handleRefused(errorOf(in))
	}
	return nil
}

func (c *Client) handleAssign(in Info) {
	if ch := c.channels[in.Channel]; ch != nil {
		c.emit(ChannelAssigned{Channel: ch.Channel, Assignment: Assignment{Token: in.Token, Endpoint: in.Endpoint}})
	}
}

func (c *Client) handleDone(now time.Time, in Info) {
	st := c.find(in)
	if st == nil { // left or moved while the voice server made it
		if c.dialect != Extended && in.SessionID != "" {
			c.submit(now, Info{Type: StateDestroy, Guild: in.Guild, Channel: in.Channel, User: in.User, SessionID: in.SessionID})
		}
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
	if st := c.find(in); st != nil {
		delete(c.states, st.seat())
		c.emit(StateEnded{State: st.VoiceState})
	}
}

func (c *Client) handleRefused(e *RequestError) {
	switch e.Request {
	case ChannelRequest:
		delete(c.channels, e.Channel)
	case StateCreate:
		if st := c.find(e.info()); st != nil && !st.done {
			delete(c.states, st.seat())
		}
	}
	c.emit(Refused{Err: e})
}

// find returns the voice state that the voice server means. The seed dialect
// knows no guilds, and who left may be named by the session id alone.
func (c *Client) find(in Info) *wantedState {
	if in.Type == StateDestroy && in.SessionID != "" {
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
