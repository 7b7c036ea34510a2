package pcm

import (
	"fmt"
	"time"
)

// An Aligned writes the chunks of one user into a WAV file at the time at which
// they were said: files of all users of a call begin together, and line up. Pauses
// become silence.
type Aligned struct {
	wav      *WAVWriter
	hertz    int
	channels int
	at       int64 // samples that are written
	silence  []float32
}

// NewAligned returns a writer for the chunks of a receiver. Close the WAV writer
// at the end.
func NewAligned(w *WAVWriter, r *Receiver) *Aligned {
	a := &Aligned{wav: w, silence: make([]float32, 4096*Channels)}
	a.hertz, a.channels = r.Rate()
	return a
}

// Write writes a chunk of the user.
func (a *Aligned) Write(c *Chunk) error {
	if err := a.Pad(c.At); err != nil {
		return err
	}
	a.at += int64(len(c.PCM) / a.channels)
	return a.wav.WritePCM(c.PCM)
}

// longestGap bounds what a clock that jumped can write: a day.
const longestGap = 24 * time.Hour

// Pad writes silence up to a time.
func (a *Aligned) Pad(to time.Duration) error {
	want := int64(to.Seconds() * float64(a.hertz))
	if want-a.at > int64(longestGap/time.Second)*int64(a.hertz) {
		return fmt.Errorf("pcm: a gap up to %v is too long", to)
	}
	for a.at < want {
		n := int(min(want-a.at, int64(len(a.silence)/a.channels)))
		if err := a.wav.WritePCM(a.silence[:n*a.channels]); err != nil {
			return err
		}
		a.at += int64(n)
	}
	return nil
}
