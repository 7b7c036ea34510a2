package voiceshard

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
)

const (
	// answerTime is how long Discord may take to introduce a voice server.
	answerTime = 10 * time.Second

	// moveTime is how long the events of a move may take to follow the close
	// code that announces it.
	moveTime = 10 * time.Second

	// allocationTime is how long Discord may take to find a voice server after it
	// said that there is none.
	allocationTime = time.Minute
)

// introduce returns when there is something to connect with. The cause is why
// the last connection ended.
func (s *Session) introduce(next step, cause error) error {
	if s.takeIntroduction() {
		return nil
	}
	switch next {
	case stepJoin:
		return s.ask(false)
	case stepRejoin:
		return s.ask(true)
	case stepAwaitMove:
		return s.awaitMove(cause)
	case stepAwaitServer:
		return s.awaitServer()
	}
	return nil
}

// takeIntroduction makes the next connection use a new introduction, if there is one.
func (s *Session) takeIntroduction() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok, _ := s.intro.ready(time.Now())
	if ok {
		s.intro.take()
		s.channel = s.intro.channel
		user, _ := s.voice.self()
		s.session = gateway.VoiceSession{
			ServerID: s.guild, UserID: user, SessionID: s.intro.sessionID,
			Token: s.intro.token, Endpoint: s.intro.endpoint, SeqAck: -1,
		}
		s.failures.resume = 0
	}
	return ok
}

// ask asks the main gateway for the channel, and waits for the answer. If half
// of one comes the bot may have been there before, by a process that crashed:
// then leaving helps.
func (s *Session) ask(leave bool) error {
	s.enter(Joining)
	for attempt := range 2 {
		if err := s.command(leave || attempt > 0); err != nil {
			return err
		}
		ok, err := s.await(answerTime/2, s.unallocated)
		switch {
		case err != nil:
			return err
		case ok && s.takeIntroduction():
			return nil
		case ok:
			return s.awaitServer()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &NoAnswerError{State: s.intro.state, Server: s.intro.server}
}

// unallocated reports whether there is no voice server for now. The caller holds mu.
func (s *Session) unallocated() bool { return s.intro.unallocated() }

// command tells the main gateway where the bot wants to be.
func (s *Session) command(leave bool) error {
	s.mu.Lock()
	s.intro.ask(time.Now(), leave)
	channel := s.channel
	s.mu.Unlock()
	if leave {
		if err := s.tell(s.ctx, 0); err != nil {
			return err
		}
	}
	return s.tell(s.ctx, channel)
}

// awaitServer waits for Discord to find a voice server.
//
// https://discord.com/developers/docs/events/gateway-events#voice-server-update
func (s *Session) awaitServer() error {
	s.enter(Waiting)
	ok, err := s.await(allocationTime, nil)
	switch {
	case err != nil:
		return err
	case !ok || !s.takeIntroduction():
		return ErrNoServer
	}
	return nil
}

// awaitMove waits for what follows a close code that a move begins with, or
// the end of a membership.
func (s *Session) awaitMove(cause error) error {
	s.enter(Waiting)
	ok, err := s.await(moveTime, s.unallocated)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("%w: %w", ErrDisconnected, cause)
	case s.takeIntroduction():
		return nil
	}
	return s.awaitServer()
}

// enter sets the phase of a session whose voice server is gone.
func (s *Session) enter(p Phase) {
	s.closeMedia()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setPhase(p)
}
