package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// connect makes one connection, reads it to its end, and says how it ended.
func (s *Session) connect(t *target) {
	state, err := s.begin(t)
	if err != nil {
		s.ended(t, t.session, err)
		return
	}
	activeAt, err := s.use(t.ctx, state)
	s.mu.Lock()
	session, _ := state.Session()
	_ = state.Close()
	s.mu.Unlock()
	s.ended(t, session, err)
	if !activeAt.IsZero() {
		s.emit(Event{Kind: EventDisconnected, Err: err})
	}
}

// use dials and reads. It returns since when audio flowed, zero if it did not,
// and why the connection ended.
func (s *Session) use(ctx context.Context, state *gateway.VoiceGatewayState) (time.Time, error) {
	nc, early, err := s.voice.config.dial(ctx, state.DialURL())
	if err != nil {
		return time.Time{}, err
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
	return c.activeAt, c.finish(err)
}

// begin returns the state of the next connection. A session that is not
// resumed begins with end-to-end encryption and a transport of its own.
func (s *Session) begin(t *target) (*gateway.VoiceGatewayState, error) {
	if !t.session.Resumable {
		s.closeMedia()
		if err := s.renewCryptor(t.session.UserID, s.Channel()); err != nil {
			return nil, err
		}
		s.in.reset()
	}
	options := append([]gateway.VoiceOption{gateway.WithVoiceMessageLimit(messageLimit)}, s.voice.config.states...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cryptor != nil {
		options = append(options, gateway.WithE2EE(s.cryptor))
	}
	return gateway.NewVoiceGatewayState(t.session, options...)
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
