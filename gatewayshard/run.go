package gatewayshard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
)

// Run keeps the shard connected: it connects, reads, and connects again,
// resuming the session where Discord allows it, until
//
//   - ctx ends: the connection is closed, the session kept (see
//     [Shard.Session]), and the cause of ctx returned;
//   - [Shard.Close] is called: it returns nil;
//   - Discord refuses the shard for good, such as for its token or intents: it
//     returns a [*FatalError], which says what to change;
//   - the shard is used wrongly: [ErrConnected], or options that make no state.
//
// What it does between connections is decided by a [lifecycle.Shard]: the waits
// of Config.Backoff, a session that is dead or cannot be read and is given up for
// a new one, a resume host that does not answer.
func (s *Shard) Run(ctx context.Context) error {
	if err := s.beginRun(); err != nil {
		return err
	}
	defer s.endRun()
	for {
		err := s.step(ctx)
		switch {
		case s.isClosed():
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			s.log.Error("shard stopped", "err", err)
			return err
		}
	}
}

func (s *Shard) beginRun() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil
	case s.running, s.cancelDial != nil, s.conn != nil:
		return ErrConnected
	}
	s.running = true
	s.shared.join(s)
	return s.life.Start(time.Now())
}

func (s *Shard) endRun() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	s.announceActive()
	s.shared.leave(s)
	_ = s.life.Stop(time.Now(), nil) // a Run that was interrupted
}

// step does what the machine decided. An error ends Run.
func (s *Shard) step(ctx context.Context) error {
	d := s.decision()
	switch d.Do {
	case lifecycle.ShardAsk:
		return s.ask(ctx, d)
	case lifecycle.ShardDial:
		return s.dialAndRead(ctx)
	case lifecycle.ShardWait:
		s.shareWait()
		s.logWait(d)
		return s.pause(ctx)
	case lifecycle.ShardStop:
		var discord *gateway.DiscordError
		if errors.As(d.Err, &discord) {
			return &FatalError{ShardID: s.id, Err: discord}
		}
		return d.Err
	}
	return ErrConnected
}

func (s *Shard) decision() lifecycle.ShardDecision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life.Decision()
}

// ask asks whether the shard may dial, and tells the machine.
func (s *Shard) ask(ctx context.Context, d lifecycle.ShardDecision) error {
	err := s.beforeDial(ctx, d.Session)
	if err == nil {
		err = s.permitted()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case s.closed, ctx.Err() != nil:
		return nil
	case err != nil:
		s.stats.LastError = err
		return s.life.Refused(now, time.Time{}, lifecycle.BecauseNotPermitted)
	}
	if s.spent {
		if err := s.renew(); err != nil {
			return err
		}
	}
	request := lifecycle.Request{Shard: uint(s.id), Identifies: d.Identifies(), Host: lifecycle.HostOf(s.state.URL())}
	if d.AtResumeURL {
		request.ResumeHost = lifecycle.HostOf(s.state.DialURL())
	}
	answer := s.shared.ask(now, request)
	switch {
	case answer.OK:
		return s.life.Granted(now, answer.Grant)
	case answer.Why == lifecycle.BecauseBudget && s.config.IdentifyLimitError:
		return &IdentifyLimitError{ShardID: s.id, RetryAt: answer.Until}
	}
	return s.life.Refused(now, answer.Until, answer.Why)
}

// beforeDial calls the function of the configuration.
func (s *Shard) beforeDial(ctx context.Context, session gateway.Session) error {
	if s.config.BeforeDial == nil {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-s.done:
			cancel(ErrClosed)
		case <-ctx.Done():
		}
	}()
	err := s.config.BeforeDial(ctx, s.id, session)
	cancel(nil)
	<-watched
	return err
}

// permitted asks whether the shard may log in.
func (s *Shard) permitted() error {
	if s.config.Permit == nil {
		return nil
	}
	if err := s.config.Permit(s.id); err != nil {
		return fmt.Errorf("gatewayshard: %w: %w", lifecycle.ErrNotPermitted, err)
	}
	return nil
}

func (s *Shard) dialAndRead(ctx context.Context) error {
	if _, err := s.open(ctx); err != nil {
		if errors.Is(err, ErrConnected) {
			return err
		}
		return nil // the machine knows
	}
	if err := s.EventLoop(ctx); errors.Is(err, ErrConnected) || errors.Is(err, ErrNotConnected) {
		return err
	}
	return nil
}

// shareWait says that the shard waits. If an outage that made it fail is over
// already, the wait is short.
func (s *Shard) shareWait() {
	now := time.Now()
	if at, wake := s.shared.waits(now, s.id); wake {
		s.Wake(at)
	}
}

// pause waits until the machine says something else, but not longer than for
// ctx or Close.
func (s *Shard) pause(ctx context.Context) error {
	for {
		s.mu.Lock()
		s.life.HandleTimeout(time.Now(), lifecycle.Traffic{})
		d := s.life.Decision()
		s.mu.Unlock()
		if d.Do != lifecycle.ShardWait {
			return nil
		}
		timer := time.NewTimer(time.Until(d.At))
		select {
		case <-timer.C:
		case <-s.woken:
		case <-s.done:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		timer.Stop()
	}
}

// Wake ends the wait of Run at the given time, if it is longer than that, and
// due to a failure or to Config.Permit: for callers who know that the network is
// back, or that the shard may log in again.
func (s *Shard) Wake(at time.Time) {
	s.mu.Lock()
	err := s.life.Woken(time.Now(), at)
	s.mu.Unlock()
	if err != nil {
		return // it does not wait
	}
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// manyFailures is the number of failures in a row that deserves a louder word:
// some servers answer a wrong token with a close code that means "try again".
const manyFailures = 5

func (s *Shard) logWait(d lifecycle.ShardDecision) {
	session, _ := s.Session()
	log := s.log.With("wait", time.Until(d.At).Round(time.Millisecond), "why", d.Why.String(), "failures", d.Failures)
	if session.ID != "" {
		log = log.With("session", session.ID, "seq", session.Seq)
	}
	level, text := slog.LevelWarn, "disconnected, connecting again"
	switch {
	case d.Why == lifecycle.BecauseBudget:
		text = "the identifies of the day are used up, waiting for more"
	case d.Why == lifecycle.BecauseNotPermitted, d.Why == lifecycle.BecauseTurn:
		level, text = slog.LevelInfo, "waiting until the shard may connect"
	case d.Failures > 0 && d.Failures%manyFailures == 0:
		level, text = slog.LevelError, "no session after many attempts, check token, intents and network; trying again"
	}
	s.mu.Lock()
	err := s.stats.LastError
	s.mu.Unlock()
	log.Log(context.Background(), level, text, "err", err)
	if hook := s.config.Disconnected; hook != nil {
		hook(s.id, err, d.Failures, time.Until(d.At))
	}
}

func (s *Shard) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
