package lifecycle

import (
	"errors"
	"fmt"
	"time"
)

// voiceConfig is what the options set.
type voiceConfig struct {
	backoff  Backoff
	attempts int
	random   func() float64
}

// A VoiceOption configures a [Voice].
type VoiceOption func(*Voice) error

const (
	defaultVoiceBackoffMin = 500 * time.Millisecond
	defaultVoiceBackoffMax = 30 * time.Second
)

// WithVoiceBackoff sets how to wait between connections. Zero fields mean from
// 500 ms to 30 s.
func WithVoiceBackoff(b Backoff) VoiceOption {
	return func(v *Voice) (err error) {
		if b.Min == 0 {
			b.Min = defaultVoiceBackoffMin
		}
		if b.Max == 0 {
			b.Max = max(defaultVoiceBackoffMax, b.Min)
		}
		v.config.backoff, err = b.WithDefaults()
		return err
	}
}

// WithVoiceAttempts sets how many failures in a row end the session, 10 by
// default, which is two minutes or so.
func WithVoiceAttempts(n int) VoiceOption {
	return func(v *Voice) error {
		if n < 1 {
			return fmt.Errorf("%d attempts", n)
		}
		v.config.attempts = n
		return nil
	}
}

// WithVoiceRandom sets what jitter is drawn from: numbers in [0, 1). The
// default is [math/rand/v2.Float64].
func WithVoiceRandom(random func() float64) VoiceOption {
	return func(v *Voice) error {
		if random == nil {
			return errors.New("no random numbers")
		}
		v.config.random = random
		return nil
	}
}

// WithVoiceSelf sets whether the bot is shown as muted and as deaf.
func WithVoiceSelf(mute, deaf bool) VoiceOption {
	return func(v *Voice) error {
		v.SetSelf(mute, deaf)
		return nil
	}
}
