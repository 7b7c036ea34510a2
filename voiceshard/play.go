package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/voiceshard/audio"
	"github.com/discordpkg/gateway/voiceshard/internal/histogram"
	"github.com/discordpkg/gateway/voiceshard/internal/pace"
)

// The defaults of [Session.Play].
const (
	// DefaultLookAhead is how much sound is read and encrypted before it is due.
	DefaultLookAhead = 200 * time.Millisecond

	// DefaultCatchUp is the longest stall after which a player sends faster
	// until it is on time again.
	DefaultCatchUp = 100 * time.Millisecond
)

// maxLookAhead bounds the memory of a player: two minutes of the shortest
// frames are some megabytes.
const maxLookAhead = 2 * time.Minute

var (
	// ErrPlayed reports a call to a [Player] that has come to its end.
	ErrPlayed = errors.New("voiceshard: the player has come to its end")

	// ErrSource is the end of a player whose source failed. It wraps what the
	// source said.
	ErrSource = errors.New("voiceshard: the source of the player failed")
)

// A PlayOption changes how a [Player] plays. Its error is returned by
// [Session.Play].
type PlayOption func(*Player) error

// WithLookAhead sets how much sound is read and encrypted ahead, up to two
// minutes. A source that stalls for less than that is not noticed. When the keys
// of the end-to-end encryption change, what was not sent yet is encrypted anew:
// nothing goes out under a key that a member who has left has.
func WithLookAhead(d time.Duration) PlayOption {
	return func(p *Player) error {
		if d < 0 || d > maxLookAhead {
			return fmt.Errorf("voiceshard: a look-ahead of %v is not between 0 and %v", d, maxLookAhead)
		}
		p.ahead = d
		return nil
	}
}

// WithCatchUp sets how long a stall of the process may be to be made up for by
// sending faster. After a longer one the sound goes on that much later: a
// burst would overflow the buffers of the listeners.
func WithCatchUp(d time.Duration) PlayOption {
	return func(p *Player) error {
		if d < 0 {
			return fmt.Errorf("voiceshard: a stall of %v to catch up with", d)
		}
		p.schedule.CatchUp = d
		return nil
	}
}

// WithSpeaking sets what the listeners are told about the sound, see
// [Session.Speaking]. The default is [gateway.SpeakingMicrophone].
func WithSpeaking(flags gateway.SpeakingFlags) PlayOption {
	return func(p *Player) error { p.flags = flags; return nil }
}

// WithClose makes the player close the source at the end, if it is an
// [io.Closer]: also while somebody reads it, which wakes up one that waits for
// a network.
func WithClose() PlayOption { return func(p *Player) error { p.closes = true; return nil } }

// A Player plays one source. It keeps an absolute schedule, so that sound does
// not drift, reads and encrypts ahead, so that a stall of the process does no
// harm, and shares one timer with all players of the process. While the session
// moves or reconnects, or the key of the end-to-end encryption is on its way, it
// waits, and goes on where it was.
//
// It is safe for concurrent use. There is no volume: the packets of Opus are
// sent as they are, and would have to be decoded and encoded again.
type Player struct {
	session *Session
	source  audio.Source
	flags   gateway.SpeakingFlags
	ahead   time.Duration
	closes  bool
	task    *pace.Task
	silent  chan struct{} // closed when nothing is sent any more
	done    chan struct{} // closed when nothing reads the source either

	control sync.Mutex // orders what the session is told of pauses; held across I/O
	seeking sync.Mutex // one seek at a time

	mu       sync.Mutex // guards what follows; taken before that of the sender
	room     sync.Cond  // the reader may have something to do
	rest     chan struct{}
	mode     playMode
	then     playMode // behind fading
	claimed  bool
	offline  bool // there is no transport
	ended    bool // the source has nothing more
	stopped  bool
	err      error
	queue    frameQueue
	quiet    sealedPacket
	schedule pace.Schedule
	seek     *seekRequest
	position time.Duration
	length   time.Duration
	bounded  bool // length is known
	stats    PlayerStats
	lateness histogram.Histogram
}

// A playMode is what a player is doing.
type playMode uint8

const (
	filling playMode = iota // waits for the source
	playing
	fading // sends the silence that ends a transmission
	paused
	over
)

// PlayerStats are the figures of a [Player]. They are plain data.
type PlayerStats struct {
	Frames    uint64 // that were sent
	Underruns uint64 // how often the source was too slow
	Outages   uint64 // how often there was no transport
	Refused   uint64 // packets of the source that are none of Opus, or too large for a datagram

	LargestRefused int // bytes of the largest of them

	Skipped  time.Duration // by how much the sound is later because of stalls
	Lateness Percentiles   // of the frames
}

// Play plays a source until it ends, in the background. The session has one
// player at a time that plays; a paused one does not count.
//
// When ctx ends the sound ends. The error is [ErrPlaying], that of ctx, or why
// the session ended; errors of the source are those of [Player.Wait].
//
// The player reads the source from a goroutine of its own, so that a slow one
// delays nothing but itself. Nobody else may use it until [Player.Wait] has
// returned.
func (s *Session) Play(ctx context.Context, source audio.Source, options ...PlayOption) (*Player, error) {
	p := &Player{
		session: s, source: source, flags: gateway.SpeakingMicrophone, ahead: DefaultLookAhead,
		silent: make(chan struct{}), done: make(chan struct{}), rest: make(chan struct{}, 1),
		schedule: pace.Schedule{CatchUp: DefaultCatchUp},
	}
	p.room.L = &p.mu
	for _, o := range options {
		if err := o(p); err != nil {
			return nil, err
		}
	}
	p.task = pace.NewTask(p.tick)
	if err := s.alive(ctx); err != nil {
		return nil, err
	}
	if err := s.out.claim(); err != nil {
		return nil, err
	}
	p.claimed = true
	if err := p.attend(ctx); err != nil {
		s.out.release()
		return nil, err
	}
	go p.read()
	return p, nil
}

// attend starts the goroutine that belongs to the session.
func (p *Player) attend(ctx context.Context) error {
	s := p.session
	if err := s.Speaking(ctx, p.flags); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return context.Cause(s.ctx)
	}
	s.wg.Go(func() { p.watch(ctx) })
	return nil
}

// watch tells the others when the bot speaks no more, and ends the player with
// the session.
func (p *Player) watch(ctx context.Context) {
	defer close(p.silent)
	cancelled := ctx.Done()
	for {
		select {
		case <-p.rest:
		case <-cancelled:
			cancelled = nil
			p.stop(fmt.Errorf("voiceshard: play: %w", context.Cause(ctx)))
		case <-p.session.ctx.Done():
			p.abandon(context.Cause(p.session.ctx))
		}
		if p.hush() {
			break
		}
	}
	if c, ok := p.source.(io.Closer); ok && p.closes {
		_ = c.Close()
	}
}

// hush gives the sender back when the player is paused or over. It reports
// whether it is over.
func (p *Player) hush() (isOver bool) {
	p.control.Lock()
	defer p.control.Unlock()
	p.mu.Lock()
	isOver = p.mode == over
	idle := p.claimed && (isOver || p.mode == paused)
	if idle {
		p.claimed = false
	}
	p.mu.Unlock()
	if idle {
		_ = p.session.Speaking(context.Background(), 0) // the session has ended, if it fails
		p.session.out.release()
	}
	return isOver
}

// Pause ends the sound until [Player.Resume]. The listeners get the silence
// that they need, and somebody else may play meanwhile.
func (p *Player) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.mode == playing && p.offline:
		p.goTo(paused)
	case p.mode == playing:
		p.fade(paused)
	case p.mode == filling:
		p.goTo(paused)
	case p.mode == fading && p.then == filling:
		p.then = paused
	}
}

// Resume goes on after [Player.Pause]. Otherwise it does nothing. The error is
// [ErrPlaying] if somebody else plays, [ErrPlayed], or why the session ended.
func (p *Player) Resume() error {
	p.control.Lock()
	defer p.control.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.mode == over:
		return ErrPlayed
	case p.mode == fading && p.then == paused:
		p.then = filling // and on, as soon as the silence is out
		return nil
	case p.mode != paused:
		return nil
	}
	if !p.claimed {
		if err := p.session.out.claim(); err != nil {
			return err
		}
		p.claimed = true
	}
	p.mu.Unlock()
	err := p.session.Speaking(context.Background(), p.flags)
	p.mu.Lock()
	if err == nil && p.mode == paused {
		p.mode = filling
		p.begin(time.Now())
	}
	return err // of a session that has ended, which ends the player
}

// Stop ends the sound, with the silence that the listeners need. It does not
// wait for that: [Player.Wait] does.
func (p *Player) Stop() { p.stop(nil) }

// Wait waits until the player has come to its end and the source is free. The
// error is that of ctx, or [Player.Err].
func (p *Player) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.Err()
	case <-ctx.Done():
		return fmt.Errorf("voiceshard: wait for the player: %w", context.Cause(ctx))
	}
}

// Done is closed when the player has come to its end and the source is free.
func (p *Player) Done() <-chan struct{} { return p.done }

// Err returns nil before the end, and after it if the source had ended or
// [Player.Stop] was called. Otherwise it is [ErrSource], that of the context of
// [Session.Play], or why the session ended.
func (p *Player) Err() error {
	select {
	case <-p.done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	default:
		return nil
	}
}

// Position returns how much of the source has been played, for progress bars.
func (p *Player) Position() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position
}

// Length returns the playing time of the source, if the source knows it, and
// has been asked yet, which happens before it is read.
func (p *Player) Length() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.length, p.bounded
}

// Paused reports whether the player is paused, or about to be.
func (p *Player) Paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode == paused || p.mode == fading && p.then == paused
}

// Stats returns the figures of the player.
func (p *Player) Stats() PlayerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.stats
	st.Skipped, st.Lateness = p.schedule.Skipped(), percentiles(&p.lateness)
	return st
}
