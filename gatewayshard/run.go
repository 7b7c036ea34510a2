package gatewayshard

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/discordpkg/gateway"
)

// Run connects, reads, and connects again, resuming the session where Discord
// allows it, until
//
//   - ctx ends: the connection is closed, the session kept (see
//     [Shard.Session]), and the cause of ctx returned;
//   - [Shard.Close] is called: it returns nil;
//   - Discord refuses the shard for good, such as for its token or intents: it
//     returns a [*FatalError], which says what to change;
//   - the shard is used wrongly: [ErrConnected], or an invalid URL.
//
// Between connections it waits as Config.Backoff says. A session that cannot be
// read past the same place three times, such as a message over the limit that
// comes with each replay, is given up for a new one.
func (s *Shard) Run(ctx context.Context) error {
	failures := 0
	for {
		err := s.connectAndRead(ctx)
		switch {
		case s.isClosed():
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if fatal := s.fatal(err); fatal != nil {
			s.log.Error("shard stopped", "err", fatal)
			return fatal
		}
		failures = s.countFailure(failures)
		wait := s.config.Backoff.Wait(failures)
		s.logFailure(err, failures, wait)
		if err := s.pause(ctx, wait); err != nil {
			return err
		}
		if s.isClosed() {
			return nil
		}
	}
}

// connectAndRead does one connection.
func (s *Shard) connectAndRead(ctx context.Context) error {
	s.mu.Lock()
	s.outcome = outcome{}
	s.mu.Unlock()
	if err := s.beforeDial(ctx); err != nil {
		return err
	}
	if _, err := s.Dial(ctx, ""); err != nil {
		return err
	}
	return s.EventLoop(ctx)
}

// beforeDial calls the function of the configuration.
func (s *Shard) beforeDial(ctx context.Context) error {
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
	session, _ := s.Session()
	err := s.config.BeforeDial(ctx, s.id, session)
	cancel(nil)
	<-watched
	return err
}

// fatal returns the error that Run ends with, nil if it goes on.
func (s *Shard) fatal(err error) error {
	var discord *gateway.DiscordError
	switch {
	case errors.As(err, &discord) && !discord.CanReconnect():
		return &FatalError{ShardID: s.id, Err: discord}
	case errors.Is(err, ErrConnected), errors.Is(err, ErrNotConnected):
		return err
	}
	return nil
}

// stable is how long a new session must live to count as a success. Discord
// resets the token of a bot that identifies a thousand times a day, so sessions
// that break soon after READY, again and again, must not be started quickly.
const stable = time.Minute

// alive is how long a resumed session must live to count as a success when it
// brings no event. Resuming costs nothing of any limit, but a server that cuts
// every connection right after RESUMED must not be met without end.
const alive = 10 * time.Second

// countFailure returns the number of failures in a row.
func (s *Shard) countFailure(before int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.outcome
	if o.lasted >= stable || o.resumed && (o.progress || o.lasted >= alive) {
		return 0
	}
	return before + 1
}

// Wait returns how long to wait after a number of failures in a row. Min and
// Max must be set.
func (b Backoff) Wait(failures int) time.Duration {
	if failures == 0 {
		return time.Duration(rand.Float64() * float64(b.Min))
	}
	wait := b.Min
	for i := 1; i < failures && wait < b.Max; i++ {
		wait += min(wait, b.Max-wait)
	}
	return wait - time.Duration(rand.Float64()*float64(wait/2))
}

// manyFailures is the number of failures in a row that deserves a louder word:
// some servers answer a wrong token with a close code that means "try again".
const manyFailures = 5

func (s *Shard) logFailure(err error, failures int, wait time.Duration) {
	session, _ := s.Session()
	log := s.log.With("err", err, "failures", failures, "wait", wait, "session", session.ID, "seq", session.Seq)
	if failures > 0 && failures%manyFailures == 0 {
		log.Error("no session after many attempts, check token, intents and network; trying again")
		return
	}
	log.Warn("disconnected, connecting again")
}

// pause waits, but not longer than for ctx or Close.
func (s *Shard) pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

func (s *Shard) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
