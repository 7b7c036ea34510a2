package pcm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// An UtteranceConfig is what counts as an utterance. The zero value suits speech.
type UtteranceConfig struct {
	// Threshold is the level from which on sound is speech, in dB of full scale,
	// -45 by default. It also has to be 9 dB above the noise of the user.
	Threshold float64

	// Hangover is how long speech may pause, 600 ms by default.
	Hangover time.Duration

	// Lead is how much sound before the beginning belongs to it, 200 ms by default.
	Lead time.Duration

	// Shortest is the least speech that counts, 100 ms by default: a click does not.
	Shortest time.Duration

	// Longest is after which time an utterance is cut and goes on in the next
	// one, 30 s by default. It bounds the memory of a user.
	Longest time.Duration
}

const (
	defaultThreshold = -45
	aboveNoise       = 9 // dB
	defaultHangover  = 600 * time.Millisecond
	defaultLead      = 200 * time.Millisecond
	defaultShortest  = 100 * time.Millisecond
	defaultLongest   = 30 * time.Second
	maxLongest       = 10 * time.Minute
)

func (c UtteranceConfig) withDefaults() (UtteranceConfig, error) {
	if c.Threshold == 0 {
		c.Threshold = defaultThreshold
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"hangover", &c.Hangover, defaultHangover}, {"lead", &c.Lead, defaultLead},
		{"shortest", &c.Shortest, defaultShortest}, {"longest", &c.Longest, defaultLongest},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
		if *d.value < 0 || *d.value > maxLongest {
			return c, fmt.Errorf("pcm: utterances: %s of %v is not between 0 and %v", d.name, *d.value, maxLongest)
		}
	}
	if !(c.Threshold < 0 && c.Threshold >= -100) {
		return c, fmt.Errorf("pcm: utterances: a threshold of %v dB is not between -100 and 0", c.Threshold)
	}
	if c.Longest < c.Shortest+c.Lead {
		return c, errors.New("pcm: utterances: the longest one is shorter than the shortest one and its lead")
	}
	return c, nil
}

// An Utterance is news of one user: that it began to speak, or what it said.
type Utterance struct {
	User  snowflake.ID
	Began bool          // it begins to speak: there is no PCM yet. An assistant falls silent now
	Start time.Duration // on the clock of the receiver
	End   time.Duration
	PCM   []float32 // at the rate of the receiver; it belongs to the caller
	More  bool      // it was cut because it was too long, and goes on
}

// Utterances cuts what users say into utterances. It reads a [Receiver] and is not
// safe for concurrent use.
type Utterances struct {
	receiver *Receiver
	config   UtteranceConfig
	users    map[snowflake.ID]*voice
	queue    []Utterance
}

// A voice is what one user says.
type voice struct {
	pcm    []float32     // the utterance, or what may become the lead of one
	start  time.Duration // where pcm begins
	end    time.Duration // where it ends
	noise  float64       // level of the noise, in dB
	loud   time.Duration // speech in a row, before there is an utterance
	quiet  time.Duration // silence in a row
	speaks bool
}

// NewUtterances returns what cuts a receiver's sound.
func NewUtterances(r *Receiver, config UtteranceConfig) (*Utterances, error) {
	if r == nil {
		return nil, errors.New("pcm: utterances of no receiver")
	}
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Utterances{receiver: r, config: config, users: make(map[snowflake.ID]*voice)}, nil
}

// Next returns the next news. An utterance comes as soon as the user has paused for
// the hangover, or has stopped sending. The error is that of [Receiver.Next]; what
// was being said is lost then, but for [Utterances.Rest].
func (u *Utterances) Next(ctx context.Context) (*Utterance, error) {
	for len(u.queue) == 0 {
		c, err := u.receiver.Next(ctx)
		if err != nil {
			return nil, err
		}
		u.take(c)
	}
	next := u.queue[0]
	u.queue = u.queue[1:]
	return &next, nil
}

// Rest returns what was being said when [Utterances.Next] failed.
func (u *Utterances) Rest() []Utterance {
	for id, v := range u.users {
		if v.speaks {
			u.finish(id, v, false)
		}
	}
	rest := u.queue
	u.queue, u.users = nil, make(map[snowflake.ID]*voice)
	return rest
}

// take looks at a chunk.
func (u *Utterances) take(c *Chunk) {
	v := u.users[c.User]
	if v == nil {
		if c.Kind == Stopped {
			return
		}
		v = &voice{noise: u.config.Threshold - aboveNoise, start: c.At, end: c.At}
		u.users[c.User] = v
	}
	if c.Start && c.At > v.end {
		if v.speaks {
			u.finish(c.User, v, false)
		}
		v.pcm, v.start, v.end = v.pcm[:0], c.At, c.At
	}
	hertz, channels := u.receiver.Rate()
	step := hertz / 50 * channels
	for p := c.PCM; len(p) > 0; {
		n := min(step, len(p))
		u.look(c.User, v, p[:n], time.Duration(n/channels)*time.Second/time.Duration(hertz))
		p = p[n:]
	}
	if c.Kind == Stopped {
		if v.speaks {
			u.finish(c.User, v, false)
		}
		delete(u.users, c.User)
	}
}

// look looks at 20 ms.
func (u *Utterances) look(id snowflake.ID, v *voice, p []float32, length time.Duration) {
	v.pcm = append(v.pcm, p...)
	v.end += length
	level := loudness(p)
	loud := level >= u.config.Threshold && level >= v.noise+aboveNoise
	switch {
	case !loud && level > v.noise: // the noise is what is there when there is no speech
		v.noise += min(level-v.noise, 0.2)
	case level < v.noise:
		v.noise = max(level, v.noise-1, -100)
	}
	if loud {
		v.loud, v.quiet = v.loud+length, 0
	} else {
		v.loud, v.quiet = 0, v.quiet+length
	}
	switch {
	case !v.speaks && v.loud >= u.config.Shortest:
		v.speaks = true
		u.queue = append(u.queue, Utterance{User: id, Began: true, Start: v.start, End: v.end})
	case !v.speaks && v.loud == 0:
		u.forget(v)
	case v.speaks && v.quiet >= u.config.Hangover:
		u.finish(id, v, false)
	case v.speaks && v.end-v.start >= u.config.Longest:
		u.finish(id, v, true)
	}
}

// forget keeps only what may be the lead of an utterance.
func (u *Utterances) forget(v *voice) {
	hertz, channels := u.receiver.Rate()
	most := int(u.config.Lead*time.Duration(hertz)/time.Second) * channels
	if over := len(v.pcm) - most; over > 0 {
		v.pcm = v.pcm[:copy(v.pcm, v.pcm[over:])]
		v.start += time.Duration(over/channels) * time.Second / time.Duration(hertz)
	}
}

// finish returns an utterance.
func (u *Utterances) finish(id snowflake.ID, v *voice, more bool) {
	u.queue = append(u.queue, Utterance{
		User: id, Start: v.start, End: v.end, PCM: append([]float32(nil), v.pcm...), More: more,
	})
	v.pcm, v.start = v.pcm[:0], v.end
	v.speaks, v.loud, v.quiet = more, 0, 0
}

// loudness returns the level of sound in dB of full scale, -100 for silence.
func loudness(p []float32) float64 {
	var power float64
	for _, v := range p {
		power += float64(v) * float64(v)
	}
	if power == 0 {
		return -100
	}
	return max(10*math.Log10(power/float64(len(p))), -100)
}
