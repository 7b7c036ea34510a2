package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/discordpkg/gateway/snowflake"
)

// A Voice is the voice half of a bot: at most one session in each guild. It is
// safe for concurrent use. Make one with [New].
type Voice struct {
	gw     Gateway
	config config

	mu       sync.Mutex // guards what follows
	user     snowflake.ID
	known    chan struct{}             // closed when the user is known
	sessions map[snowflake.ID]*Session // by guild
	closed   bool
}

// New returns the voice of a bot. The user is the bot; zero if it is to be
// learned from READY, see [Voice.HandleEvent], or from a gateway with a method
// UserID, as a Group of package sharding has, which keeps it over restarts. The
// error is that of an option, or that there is no gateway.
func New(gw Gateway, user snowflake.ID, options ...Option) (*Voice, error) {
	if gw == nil {
		return nil, errNoGateway
	}
	c, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	v := &Voice{gw: gw, config: c, known: make(chan struct{}), sessions: make(map[snowflake.ID]*Session)}
	v.learnUser(user)
	return v, nil
}

// Session returns the session in a guild, nil if there is none.
func (v *Voice) Session(guild snowflake.ID) *Session {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sessions[guild]
}

// Sessions returns the sessions of all guilds.
func (v *Voice) Sessions() []*Session {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]*Session, 0, len(v.sessions))
	for _, s := range v.sessions {
		all = append(all, s)
	}
	return all
}

// Join joins a voice channel and returns when audio can flow. A guild has one
// session: if there is one already, Join moves it as [Session.Move] does, and
// returns it; the options are for new sessions only.
//
// Join waits as long as ctx allows: for the main gateway, which may be between
// two connections, and for the id of the bot, if New was not given it. When ctx
// ends before that, the bot leaves the channel again, soon after Join
// has returned. The other errors: [*NoAnswerError] when Discord does not answer, mostly for want of a
// permission; a [*gateway.VoiceError] when the voice server refuses for good,
// with what to change in its text; those that end a session, see [Session.Err];
// and what the gateway's UpdateVoiceState returns.
func (v *Voice) Join(ctx context.Context, guild, channel snowflake.ID, options ...JoinOption) (*Session, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("voiceshard: join: %w", err)
	}
	if guild == 0 || channel == 0 {
		return nil, fmt.Errorf("voiceshard: join: no channel %d in guild %d", channel, guild)
	}
	for {
		s, fresh, err := v.session(guild, channel, options)
		if errors.Is(err, errNoUser) {
			if err = v.awaitUser(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if !fresh {
			if err = s.Move(ctx, channel); errors.Is(err, errAbandoned) && ctx.Err() == nil {
				continue
			}
			return s, err
		}
		if err := s.Ready(ctx); err != nil {
			s.end(fmt.Errorf("%w: %w", errAbandoned, err))
			return nil, err
		}
		return s, nil
	}
}

// errAbandoned is the end of a session whose Join did not want to wait for it.
// Another Join that waits for the same session starts one of its own.
var errAbandoned = errors.New("voiceshard: nobody waits for it any more")

// session returns the session of a guild, and whether it had to be started.
func (v *Voice) session(guild, channel snowflake.ID, options []JoinOption) (s *Session, fresh bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
		return nil, false, ErrClosed
	case v.user == 0:
		return nil, false, errNoUser
	}
	last := v.sessions[guild]
	if last != nil && last.ctx.Err() == nil {
		return last, false, nil
	}
	if s, err = newSession(v, guild, channel, options); err != nil {
		return nil, false, err
	}
	s.last = last
	v.sessions[guild] = s
	go s.run()
	return s, true, nil
}

// forget removes a session that has ended.
func (v *Voice) forget(s *Session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sessions[s.guild] == s {
		delete(v.sessions, s.guild)
	}
}

// Close leaves all channels, and returns when nothing of it runs any more.
// Sessions cannot be started after it.
func (v *Voice) Close(ctx context.Context) error {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	var failed error
	all := v.Sessions()
	for _, s := range all {
		s.end(ErrLeft)
	}
	for _, s := range all {
		if err := s.Leave(ctx); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}
