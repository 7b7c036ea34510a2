// Assistant is the loop of a voice assistant: it listens, understands, answers, and
// falls silent when a user speaks. The recognizer and the synthesizer are stand-ins:
// put yours in their place. It runs against a Discord of its own:
//
//	go run ./examples/assistant
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/pcm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "assistant:", err)
		os.Exit(1)
	}
}

// A recognizer turns an utterance, 16 kHz mono, into text.
type recognizer func(ctx context.Context, sound []float32) (string, error)

// A synthesizer turns text into sound.
type synthesizer func(ctx context.Context, text string) (pcm.Source, error)

// An assistant talks in one call.
type assistant struct {
	recognize  recognizer
	answer     func(text string) string
	synthesize synthesizer
	log        io.Writer

	mouth    *pcm.Pipe // what is about to be said
	mu       sync.Mutex
	stop     context.CancelFunc // of the answer that is being said, nil if there is none
	speaking sync.WaitGroup
}

// mouthTime is how much of an answer waits to be said: it is thrown away when a
// user interrupts.
const mouthTime = 200 * time.Millisecond

// lookAhead is how much is encrypted already, and said in any case.
const lookAhead = 60 * time.Millisecond

// talk listens and answers until ctx or the session ends.
func (a *assistant) talk(ctx context.Context, session *voiceshard.Session) (err error) {
	if a.mouth, err = pcm.NewPipe(mouthTime, false); err != nil {
		return err
	}
	encoder, err := pcm.NewEncoder(a.mouth, pcm.EncoderConfig{Voice: true})
	if err != nil {
		return err
	}
	player, err := session.Play(ctx, encoder, voiceshard.WithLookAhead(lookAhead))
	if err != nil {
		return err
	}
	defer player.Stop()
	defer a.speaking.Wait()
	defer a.mouth.Close()
	defer a.hush()
	return a.listen(ctx, session)
}

// listen answers what users say.
func (a *assistant) listen(ctx context.Context, session *voiceshard.Session) error {
	receiver, err := pcm.NewReceiver(session, pcm.ReceiverConfig{Speech: true})
	if err != nil {
		return err
	}
	utterances, err := pcm.NewUtterances(receiver, pcm.UtteranceConfig{})
	if err != nil {
		return err
	}
	for {
		u, err := utterances.Next(ctx)
		if err != nil {
			return err
		}
		if u.Began {
			if a.hush() {
				fmt.Fprintf(a.log, "user %v interrupts\n", u.User)
			}
			continue
		}
		text, err := a.recognize(ctx, u.PCM)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.log, "user %v: %s\n", u.User, text)
		if err := a.say(ctx, a.answer(text)); err != nil {
			return err
		}
	}
}

// hush falls silent, and reports whether something was being said.
func (a *assistant) hush() bool {
	a.mu.Lock()
	stop := a.stop
	a.stop = nil
	a.mu.Unlock()
	if stop != nil {
		stop()
	}
	a.mouth.Clear()
	return stop != nil
}

// say begins to say something.
func (a *assistant) say(ctx context.Context, text string) error {
	a.hush()
	ctx, cancel := context.WithCancel(ctx)
	sound, err := a.synthesize(ctx, text)
	if err != nil {
		cancel()
		return err
	}
	fmt.Fprintf(a.log, "assistant: %s\n", text)
	a.mu.Lock()
	a.stop = cancel
	a.mu.Unlock()
	a.speaking.Go(func() {
		defer cancel()
		p := make([]float32, pcm.FrameSamples*pcm.Channels)
		for ctx.Err() == nil {
			n, err := sound.ReadPCM(p)
			if n > 0 && ctx.Err() == nil && a.mouth.WritePCM(p[:n]) != nil {
				return
			}
			if err != nil {
				return
			}
		}
		a.mouth.Clear() // what was written while the user began
	})
	return nil
}

// standIn understands how long a user spoke.
func standIn(_ context.Context, sound []float32) (string, error) {
	return fmt.Sprintf("(%.1f s of speech)", float64(len(sound))/16000), nil
}

// tones speaks a tone for each letter.
func tones(_ context.Context, text string) (pcm.Source, error) {
	var all []pcm.Source
	for _, r := range text {
		all = append(all, pcm.Tone(200+float64(r)*4, 0.3, 150*time.Millisecond))
	}
	return &sequence{all}, nil
}

// sequence is one source after the other.
type sequence struct{ left []pcm.Source }

func (s *sequence) ReadPCM(p []float32) (int, error) {
	for len(s.left) > 0 {
		n, err := s.left[0].ReadPCM(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		s.left = s.left[1:]
	}
	return 0, io.EOF
}
