package pcm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
)

// A PacketReader is where a [Receiver] gets packets from: a voiceshard.Session.
type PacketReader interface {
	// Receive returns the next packet of any user, valid until the next call.
	Receive(ctx context.Context) (*voiceshard.Packet, error)
}

// A ReceiverConfig is how to receive. The zero value is 48 kHz stereo.
type ReceiverConfig struct {
	// Speech makes the sound 16 kHz mono, as speech recognition wants it. The
	// default is 48 kHz stereo.
	Speech bool

	// MaxUsers is how many users are decoded at once, 100 by default. Beyond it
	// the one that has been silent longest makes room; while all speak, packets
	// of others are counted in Stats.Refused.
	MaxUsers int

	// Idle is after which silence the decoder of a user is dropped, 30 s by
	// default. It has some 460 KiB.
	Idle time.Duration

	// Pause is after which time without a packet a user has stopped speaking,
	// 300 ms by default.
	Pause time.Duration

	// Conceal is how much lost sound is made up, 100 ms by default; what is
	// longer fades to silence.
	Conceal time.Duration

	// Codec replaces [Gopus].
	Codec Codec
}

const (
	speechRate = 16000

	defaultMaxUsers = 100
	defaultIdle     = 30 * time.Second
	defaultPause    = 300 * time.Millisecond
	defaultConceal  = 100 * time.Millisecond
	maxConceal      = time.Second
)

func (c ReceiverConfig) withDefaults() (ReceiverConfig, error) {
	if c.MaxUsers == 0 {
		c.MaxUsers = defaultMaxUsers
	}
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	if c.Pause == 0 {
		c.Pause = defaultPause
	}
	if c.Conceal == 0 {
		c.Conceal = defaultConceal
	}
	if c.Codec.NewDecoder == nil {
		c.Codec = Gopus
	}
	switch {
	case c.MaxUsers < 0:
		return c, fmt.Errorf("pcm: at most %d users", c.MaxUsers)
	case c.Idle < 0 || c.Pause < 0:
		return c, errors.New("pcm: a negative time to wait for a user")
	case c.Conceal < 0 || c.Conceal > maxConceal:
		return c, fmt.Errorf("pcm: %v to conceal are not between 0 and %v", c.Conceal, maxConceal)
	}
	return c, nil
}

// A Kind says what the sound of a [Chunk] is.
type Kind uint8

// The kinds.
const (
	Heard         Kind = iota // decoded
	Concealed                 // lost, and made up from what is around it
	Quiet                     // silence: the user sent nothing, or too much was lost
	Undecryptable             // silence in place of a packet whose encryption could not be removed
	Broken                    // silence in place of a packet that the codec refused
	Stopped                   // the user has stopped speaking; there may be a rest of sound
)

func (k Kind) String() string {
	names := [...]string{"heard", "concealed", "quiet", "undecryptable", "broken", "stopped"}
	if int(k) >= len(names) {
		return "unknown kind"
	}
	return names[k]
}

// A Chunk is a piece of what one user says. The chunks of a user follow one
// another without a gap in PCM, except where Start is set.
type Chunk struct {
	User  snowflake.ID
	Kind  Kind
	Start bool          // the user begins to speak, or again: At may jump
	At    time.Duration // when the first value is, on the one clock of the receiver
	PCM   []float32     // interleaved; valid until the next call
	Err   error         // of Undecryptable and Broken
}

// ReceiverStats are what a [Receiver] did, in packets of all users.
type ReceiverStats struct {
	Decoded       uint64
	Recovered     uint64 // lost, made from the copy in the next packet (FEC) or made up
	Silent        uint64 // lost, silence in their place
	Undecryptable uint64
	Broken        uint64 // the codec refused them
	Late          uint64 // left out: their place was filled
	Refused       uint64 // of users beyond MaxUsers, or of no known user
	Decoders      int    // at the moment
}

// A Receiver decodes what the users of a call say. All users are on one clock,
// which begins with the first packet; where a user is on it follows the timestamps
// of the packets, as long as these agree with their arrival. Decoders are made
// when a user speaks, and dropped when it has been silent for long.
//
// It is not safe for concurrent use, but for Stats. It is what calls
// Session.Receive meanwhile.
type Receiver struct {
	packets PacketReader
	config  ReceiverConfig
	start   time.Time // of the clock; zero before the first packet
	users   map[snowflake.ID]*speaker
	stats   statsBox
	queue   []Chunk // what the last packet brought, still to be returned
	next    int
	arena   []float32 // memory of the queue
	pcm     []float32 // 48 kHz stereo of one packet
	patient deadline
}

// NewReceiver returns a receiver of a session.
func NewReceiver(packets PacketReader, config ReceiverConfig) (*Receiver, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Receiver{
		packets: packets, config: config, users: make(map[snowflake.ID]*speaker),
		pcm: make([]float32, MaxSamples*Channels),
	}, nil
}

// Rate returns the samples in a second of the chunks, and their channels.
func (r *Receiver) Rate() (hertz, channels int) {
	if r.config.Speech {
		return speechRate, 1
	}
	return Rate, Channels
}

// Stats returns what the receiver did. It is safe for concurrent use.
func (r *Receiver) Stats() ReceiverStats { return r.stats.get() }

// Now returns the time on the clock of the receiver.
func (r *Receiver) Now() time.Duration {
	if r.start.IsZero() {
		return 0
	}
	return time.Since(r.start)
}

// Next returns the next chunk of any user. The error is that of Session.Receive:
// ctx or the session has ended.
func (r *Receiver) Next(ctx context.Context) (*Chunk, error) {
	for {
		if r.next < len(r.queue) {
			c := &r.queue[r.next]
			r.next++
			return c, nil
		}
		r.queue, r.arena, r.next = r.queue[:0], r.arena[:0], 0
		now := time.Now()
		at := r.stopSilent(now)
		if len(r.queue) > 0 {
			continue
		}
		until, release := r.patient.context(ctx, now, at)
		p, err := r.packets.Receive(until)
		early := until.Err() != nil && ctx.Err() == nil
		release()
		if err != nil {
			if early {
				continue // a user has stopped, or it is worth a look
			}
			return nil, err
		}
		r.take(p)
	}
}

// take turns a packet into chunks.
func (r *Receiver) take(p *voiceshard.Packet) {
	if r.start.IsZero() {
		r.start = p.Arrival
	}
	switch {
	case p.User == 0:
		r.stats.add(func(s *ReceiverStats) { s.Refused++ })
		return
	case p.Verdict == voiceshard.Late:
		r.stats.add(func(s *ReceiverStats) { s.Late++ })
		return
	}
	u := r.users[p.User]
	if p.Verdict == voiceshard.Lost {
		if u != nil {
			u.lost += p.Count
		}
		return // its length shows with the next packet
	}
	if u == nil {
		if u = r.admit(p.User); u == nil {
			r.stats.add(func(s *ReceiverStats) { s.Refused++ })
			return
		}
	}
	r.hear(u, p)
}

// admit makes room for a user, and returns nil if there is none.
func (r *Receiver) admit(id snowflake.ID) *speaker {
	if len(r.users) >= r.config.MaxUsers {
		var idle *speaker
		for _, u := range r.users {
			if !u.speaking && (idle == nil || u.last.Before(idle.last)) {
				idle = u
			}
		}
		if idle == nil {
			return nil
		}
		r.drop(idle)
	}
	d, err := newGuarded(r.config.Codec)
	if err != nil {
		return nil
	}
	u := &speaker{id: id, decoder: d}
	if r.config.Speech {
		u.resampler, _ = NewResampler(Rate, speechRate, 1)
	}
	r.users[id] = u
	r.stats.add(func(s *ReceiverStats) { s.Decoders = len(r.users) })
	return u
}

func (r *Receiver) drop(u *speaker) {
	delete(r.users, u.id)
	r.stats.add(func(s *ReceiverStats) { s.Decoders = len(r.users) })
}

// stopSilent ends the speech of users who have sent nothing for a while, drops the
// decoders of those who have been silent for long, and returns when to look again.
func (r *Receiver) stopSilent(now time.Time) (at time.Time) {
	for _, u := range r.users {
		pause := u.last.Add(r.config.Pause)
		if u.speaking && !now.Before(pause) {
			r.stop(u)
		}
		due := pause
		if !u.speaking {
			if due = u.last.Add(r.config.Idle); !now.Before(due) {
				r.drop(u)
				continue
			}
		}
		if at.IsZero() || due.Before(at) {
			at = due
		}
	}
	return at
}

// deadline makes contexts that end at a time, and makes few of them: while the
// time moves on, one is good for all packets that come before it.
type deadline struct {
	ctx    context.Context
	cancel context.CancelFunc
	parent context.Context
	at     time.Time
}

// context returns one that ends at a time or somewhat before, and what to call
// when it is no longer used.
func (d *deadline) context(parent context.Context, now, at time.Time) (ctx context.Context, release func()) {
	if at.IsZero() {
		d.end()
		return parent, func() {}
	}
	if d.ctx == nil || d.parent != parent || d.ctx.Err() != nil || at.Before(d.at) {
		d.end()
		d.ctx, d.cancel = context.WithDeadline(parent, at)
		d.parent, d.at = parent, at
	}
	return d.ctx, func() {
		if d.ctx.Err() != nil || parent.Err() != nil {
			d.end()
		}
	}
}

func (d *deadline) end() {
	if d.cancel != nil {
		d.cancel()
	}
	*d = deadline{}
}
