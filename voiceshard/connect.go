package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// connect makes one connection and reads it to its end. It returns why it
// ended, never nil, and leaves behind what the next one goes on with.
func (s *Session) connect() error {
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	state, err := s.begin(cancel)
	if err != nil {
		return err
	}
	nc, early, err := s.voice.config.dial(ctx, state.DialURL())
	if err != nil {
		s.concede(state, time.Time{})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	c := newConnection(s, state, nc, early)
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(left)
		c.leave(context.Cause(ctx))
	})
	err = c.read(ctx)
	if !stop() {
		<-left
	}
	err = c.finish(err)
	s.concede(state, c.activeAt)
	if !c.activeAt.IsZero() {
		s.emit(Event{Kind: EventDisconnected, Err: err})
	}
	return err
}

// begin returns the state of the next connection. A session that is not
// resumed begins with end-to-end encryption and a transport of its own.
func (s *Session) begin(cancel context.CancelCauseFunc) (*gateway.VoiceGatewayState, error) {
	s.mu.Lock()
	session, channel := s.session, s.channel
	s.mu.Unlock()
	if !session.Resumable {
		s.closeMedia()
		if err := s.renewCryptor(session.UserID, channel); err != nil {
			return nil, err
		}
		s.in.reset()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok, _ := s.intro.ready(time.Now()); ok {
		return nil, errIntroduced
	}
	if s.intro.unallocated() {
		return nil, errUnallocated
	}
	options := append([]gateway.VoiceOption{gateway.WithVoiceMessageLimit(messageLimit)}, s.voice.config.states...)
	if s.cryptor != nil {
		options = append(options, gateway.WithE2EE(s.cryptor))
	}
	state, err := gateway.NewVoiceGatewayState(session, options...)
	if err != nil {
		return nil, err
	}
	s.interrupt = cancel
	if session.Resumable {
		s.setPhase(Resuming)
	} else {
		s.setPhase(Connecting)
	}
	return state, nil
}

func (s *Session) renewCryptor(user, channel snowflake.ID) error {
	var c *cryptor
	if factory := s.voice.config.e2ee; factory != nil {
		machine, err := factory(user, channel)
		if err == nil && machine == nil {
			err = errors.New("it is nil")
		}
		if err != nil {
			return fmt.Errorf("voiceshard: end-to-end encryption: %w", err)
		}
		c = &cryptor{machine: machine}
	}
	s.setCryptor(c)
	return nil
}

// setCryptor replaces the end-to-end encryption, whose keys are overwritten.
func (s *Session) setCryptor(c *cryptor) {
	s.mu.Lock()
	old := s.cryptor
	s.cryptor, s.keyed = c, c == nil
	s.mu.Unlock()
	old.wipe()
}

// concede takes over what the next connection goes on with.
func (s *Session) concede(state *gateway.VoiceGatewayState, activeAt time.Time) {
	s.mu.Lock()
	session, ok := state.Session()
	if !ok {
		session = gateway.VoiceSession{}
	}
	s.session, s.interrupt, s.conn = session, nil, nil
	_ = state.Close()
	if !activeAt.IsZero() && time.Since(activeAt) >= stable {
		s.failures = failures{}
	}
	if session.Resumable {
		s.setPhase(Resuming)
	} else {
		s.setPhase(Waiting)
	}
	s.mu.Unlock()
	if !session.Resumable {
		s.closeMedia()
	}
}
