package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/snowflake"
)

// A Session is one membership in the voice channels of a guild: it lives from
// [Voice.Join] to [Session.Leave], through moves, changes of servers and lost
// connections. It is safe for concurrent use, except that one goroutine at a
// time may call [Session.Receive].
type Session struct {
	voice *Voice
	guild snowflake.ID
	last  *Session // of the same guild, that has to end first; nil: none
	log   *slog.Logger

	ctx    context.Context // ends with the session, its cause is why
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when nothing of the session runs any more
	wg     sync.WaitGroup
	turn   chan struct{} // holds one while a command is under way

	out   sender
	in    inbound
	feeds feeds

	mu         sync.Mutex              // guards what follows and the connection; never held across I/O
	life       *lifecycle.Voice        // decides what comes next, see input
	timer      *time.Timer             // rings at its deadline, nil: never set
	target     *target                 // the next connection to make, nil: none
	stopped    bool                    // nothing follows but finish
	interrupt  context.CancelCauseFunc // ends the current connection, nil while there is none
	cryptor    *cryptor                // of the voice session, nil: none
	keyed      bool                    // the cryptor can encrypt, or there is none
	generation uint64                  // of the last transport
	media      *media                  // nil while there is none
	conn       *connection             // nil while there is none
	flags      gateway.SpeakingFlags
	speaks     *rate.Limiter // of Speaking messages
	changed    chan struct{} // closed, and replaced, with each change that a caller may wait for
	over       bool          // nothing new may be started
	resumes    uint64
	latency    time.Duration
}

// A Phase is what a session is doing.
type Phase uint8

// The phases of a session.
const (
	Joining    Phase = iota // asks the main gateway for a voice server
	Connecting              // makes the acquaintance of a voice server
	Connected               // audio flows
	Resuming                // has lost the websocket; audio flows all the same, if the server is still there
	Waiting                 // for Discord to say where to go on: a move, or a new voice server
	Ended                   // see [Session.Err]
)

func (p Phase) String() string {
	if p > Ended {
		return "unknown phase"
	}
	return [...]string{"joining", "connecting", "connected", "resuming", "waiting", "ended"}[p]
}

func newSession(v *Voice, guild, channel snowflake.ID, options []JoinOption) (*Session, error) {
	s := &Session{
		voice:   v,
		guild:   guild,
		log:     v.config.log.With("guild", guild.String()),
		done:    make(chan struct{}),
		changed: make(chan struct{}),
		turn:    make(chan struct{}, 1),
	}
	var err error
	if s.life, err = lifecycle.NewVoice(guild, channel, v.user, v.config.life...); err != nil {
		return nil, fmt.Errorf("voiceshard: %w", err)
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.speaks = rate.NewLimiter(speaksPerSecond, speaksAtOnce)
	s.out.start(v.config.datagram)
	s.in.start(&v.config)
	for _, o := range options {
		o(s)
	}
	return s, nil
}

// Guild returns the id of the guild.
func (s *Session) Guild() snowflake.ID { return s.guild }

// Channel returns the id of the channel that the bot is in, or on its way to.
func (s *Session) Channel() snowflake.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life.Channel()
}

// Phase returns what the session is doing.
func (s *Session) Phase() Phase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.currentPhase()
}

// Done is closed when the session has ended and nothing of it runs any more.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session ended, nil while it has not:
//
//   - [ErrLeft] after [Session.Leave];
//   - [ErrDisconnected] when somebody disconnected the bot;
//   - a [*gateway.VoiceError] when the voice server will not have the bot until
//     something is changed, which its text says;
//   - the error of the context when the Join that started it gave up;
//   - [*NoAnswerError], [ErrNoServer] and [ErrUnreachable] when it could not go on.
func (s *Session) Err() error {
	select {
	case <-s.done:
		return context.Cause(s.ctx)
	default:
		return nil
	}
}

// Leave leaves the channel and ends the session. It returns when nothing of it
// runs any more, or ctx ends: then the rest happens without being waited for.
// A session that has ended before is not an error. That Discord was not told,
// because the main gateway is not connected, is one.
func (s *Session) Leave(ctx context.Context) error {
	s.end(ErrLeft)
	select {
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.life.LeaveErr()
	case <-ctx.Done():
		return fmt.Errorf("voiceshard: leave: %w", context.Cause(ctx))
	}
}

// finish ends what is left of the session.
func (s *Session) finish() {
	err := context.Cause(s.ctx)
	s.closeMedia()
	s.mu.Lock()
	s.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.wakeUp()
	s.mu.Unlock()
	s.wg.Wait()
	s.in.close()
	s.setCryptor(nil)
	s.voice.forget(s)
	if errors.Is(err, ErrLeft) {
		s.log.Info("voice session ended")
	} else {
		s.log.Info("voice session ended", "err", err)
	}
	s.emit(Event{Kind: EventEnded, Err: err})
	s.feeds.close()
	close(s.done)
}

// wakeUp wakes those who wait for a change. The caller holds mu.
func (s *Session) wakeUp() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// keyTime is how long [Session.Ready] waits for a key of the end-to-end
// encryption. Somebody else may be slow to hand it out.
const keyTime = 3 * time.Second

// Ready returns when audio can flow: at once mostly, later while the session
// moves or reconnects, or gets its first key of the end-to-end encryption (but
// not longer than three seconds for that). The error is that of ctx, or why the
// session ended.
func (s *Session) Ready(ctx context.Context) error {
	var patience <-chan time.Time
	for {
		s.mu.Lock()
		flows, keyed, changed := s.flows(), s.keyed, s.changed
		s.mu.Unlock()
		switch {
		case flows && keyed:
			return nil
		case !flows:
			patience = nil
		case patience == nil:
			patience = time.After(keyTime)
		}
		select {
		case <-changed:
		case <-patience:
			return nil
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case <-ctx.Done():
			return fmt.Errorf("voiceshard: wait for audio: %w", context.Cause(ctx))
		}
	}
}

// flows reports whether audio can be sent. The caller holds mu.
func (s *Session) flows() bool {
	switch s.currentPhase() {
	case Connected:
		return true
	case Resuming:
		return s.media != nil && s.media.live && s.media.err == nil
	}
	return false
}

// String returns a short description.
func (s *Session) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("voiceshard: channel %d of guild %d, %v", s.life.Channel(), s.guild, s.currentPhase())
}

// GoString returns what String returns: the fields hold keys.
func (s *Session) GoString() string { return s.String() }
