package voiceshard

import (
	"time"
)

// handleState takes what the main gateway says about the bot.
func (s *Session) handleState(v voiceState) {
	s.mu.Lock()
	gone := s.intro.handleState(time.Now(), v)
	s.gone = gone
	moved := false
	if v.ChannelID != 0 && !s.intro.asked && v.ChannelID != s.channel {
		s.channel, moved = v.ChannelID, true
	}
	s.heed(time.Now())
	s.mu.Unlock()
	if gone {
		s.end(ErrDisconnected)
	}
	if moved {
		s.emit(Event{Kind: EventMoved, Channel: v.ChannelID})
	}
}

// handleServer takes what the main gateway says about the voice server.
func (s *Session) handleServer(v voiceServer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.intro.handleServer(now, v, s.interrupt != nil)
	s.heed(now)
}

// heed ends a connection that the main gateway has made obsolete, and wakes
// those who wait for what it says. The caller holds mu.
func (s *Session) heed(now time.Time) {
	ok, at := s.intro.ready(now)
	switch {
	case ok:
		s.interruptWith(errIntroduced)
	case s.intro.unallocated():
		s.interruptWith(errUnallocated)
	case !at.IsZero() && !s.over:
		if s.settling == nil {
			s.settling = time.AfterFunc(at.Sub(now), s.settled)
		} else {
			s.settling.Reset(at.Sub(now))
		}
	}
	s.wakeUp()
}

// settled is called when a lone VOICE_SERVER_UPDATE has waited long enough.
func (s *Session) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heed(time.Now())
}

// interruptWith ends the connection, if there is one. The caller holds mu.
func (s *Session) interruptWith(err error) {
	if s.interrupt != nil {
		s.interrupt(err)
	}
}

// reassert tells a new session of the main gateway where the bot is. The old
// connection stays until Discord has introduced another one.
func (s *Session) reassert() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.phase == Joining {
		return
	}
	command, channel := s.intro.ask(time.Now(), false), s.channel
	s.wg.Go(func() {
		if err := s.tell(s.ctx, channel); err != nil {
			s.log.Warn("could not tell the new session of the main gateway about the voice channel", "err", err)
		}
		_, _ = s.await(answerTime, func() bool { return !s.intro.asked })
		s.mu.Lock()
		s.intro.dismiss(command)
		s.mu.Unlock()
	})
}
