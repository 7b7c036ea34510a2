package voiceshard

import (
	"context"
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
)

// Speaking tells the others how the bot speaks: [gateway.SpeakingMicrophone]
// mostly. Discord wants it once before the first audio. Nil means that the
// message is on its way, or will be when the session is connected again; there
// is no answer. When the flags change more than once a second for a while, the
// last ones are told with a delay. The error is that of ctx, or why the session
// ended.
func (s *Session) Speaking(ctx context.Context, flags gateway.SpeakingFlags) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.flags = flags
	s.out.announced.Store(flags != 0)
	c := s.conn
	if c != nil && !c.speak(time.Now()).IsZero() {
		c.poke()
	}
	s.mu.Unlock()
	if c != nil {
		c.flush()
	}
	return nil
}

const (
	// speaksPerSecond and speaksAtOnce keep those who speak in short words from
	// close code 4021, for which there is no remedy.
	speaksPerSecond = 1
	speaksAtOnce    = 20
)

// speak writes how we speak, if the voice server does not know. It returns when
// to call it again, zero if there is nothing more to write. The caller holds
// the mutex of the session.
func (c *connection) speak(now time.Time) (next time.Time) {
	s := c.session
	if c.told == s.flags || !c.state.Active() {
		return time.Time{}
	}
	if !s.speaks.AllowN(now, 1) {
		return now.Add(time.Second / speaksPerSecond)
	}
	if err := c.state.Speaking(messageWriter{c, ws.OpText}, s.flags); err == nil {
		c.told = s.flags
	}
	return time.Time{}
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
// arrived. A frame that nobody could decrypt, because the key of the end-to-end
// encryption is on its way, is dropped and counted.
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
// the rest is sent at once. While a player is sending it does nothing: the player
// tells when it ends. The error is that of [Session.Speaking].
//
// https://discord.com/developers/docs/topics/voice-connections#voice-data-interpolation
func (s *Session) StopSpeaking(ctx context.Context) error {
	if s.out.busy() {
		return nil
	}
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
