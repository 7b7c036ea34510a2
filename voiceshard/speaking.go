package voiceshard

import (
	"context"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
)

// Speaking tells the others how the bot speaks: [gateway.SpeakingMicrophone]
// mostly. Discord wants it once before the first audio. Nil means that the
// message is on its way, or will be when the session is connected again; it
// never waits for the answer, as there is none. The error is that of ctx, or
// why the session ended.
func (s *Session) Speaking(ctx context.Context, flags gateway.SpeakingFlags) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.flags = flags
	s.out.announced.Store(flags != 0)
	c := s.conn
	if c != nil && c.state.Active() && c.told != flags {
		c.tell(flags)
	}
	s.mu.Unlock()
	if c != nil {
		c.flush()
	}
	return nil
}

func (s *Session) alive(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("voiceshard: %w", context.Cause(ctx))
	}
	return nil
}

// Write sends one Opus packet of 2.5 to 120 ms, now: whoever calls it keeps the
// time. It implements [io.Writer], and keeps nothing of the frame. It costs no
// allocation. The first frame after silence says [gateway.SpeakingMicrophone]
// by itself, unless [Session.Speaking] was called.
//
// The error is [ErrFrame], [ErrPlaying], [ErrNotConnected] while the session
// moves or reconnects (the frame is lost; go on, or wait with [Session.Ready]),
// or why the session ended. Nil means that the datagram was sent, not that it
// arrived. A frame that nobody could decrypt, because end-to-end encryption
// has no key yet, is dropped and counted: that is so as long as the bot is alone.
func (s *Session) Write(frame []byte) (int, error) {
	if !s.out.announced.Load() && !rtp.IsSilence(frame) {
		if err := s.Speaking(context.Background(), gateway.SpeakingMicrophone); err != nil {
			return 0, err
		}
	}
	if err := s.out.sendNow(time.Now(), frame); err != nil {
		if cause := context.Cause(s.ctx); cause != nil {
			err = cause
		}
		return 0, err
	}
	return len(frame), nil
}

// StopSpeaking ends a transmission: it sends as much silence as the listeners'
// decoders need to fade out, which is five frames after sound, 20 ms each, and
// tells them that the bot does not speak any more. When ctx ends before that,
// the rest is sent at once. The error is that of [Session.Speaking].
//
// https://discord.com/developers/docs/topics/voice-connections#voice-data-interpolation
func (s *Session) StopSpeaking(ctx context.Context) error {
	var tick *time.Timer
	for s.out.owed() > 0 {
		if tick == nil {
			tick = time.NewTimer(silenceTime)
			defer tick.Stop()
		}
		select {
		case <-tick.C:
			tick.Reset(silenceTime)
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
		if err := s.out.sendNow(time.Now(), silenceFrame); err != nil {
			break
		}
	}
	return s.Speaking(context.WithoutCancel(ctx), 0)
}

// silenceTime is the length of a frame of silence.
const silenceTime = 20 * time.Millisecond
