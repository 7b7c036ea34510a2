package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// A callDisplay shows reports, one after the other.
type callDisplay interface {
	period() time.Duration
	show(*callReport)
	close()
}

// live plays and records until there is nothing more, the time is up or ctx
// ends, and completes what was recorded.
func (c *call) live(ctx context.Context, d callDisplay) (err error) {
	defer d.close()
	c.started = time.Now()
	if hearer := c.hearer(); hearer != nil {
		c.heard.start(ctx, hearer.session)
	}
	if speaker := c.speaker(); speaker != nil {
		c.player, err = speaker.session.Play(context.WithoutCancel(ctx), c.sound, voiceshard.WithClose())
	}
	if err == nil {
		err = c.watch(ctx, d)
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if c.player != nil {
		c.finished = isDone(c.player) // and not because of what follows
		c.player.Stop()
		_ = c.player.Wait(limit) // its error is known
	}
	if c.heard != nil {
		c.drain(limit)
		length, failed := c.heard.end()
		c.recorded, err = length, errors.Join(err, failed)
	}
	d.show(c.report(progress))
	return err
}

func isDone(p *voiceshard.Player) bool {
	select {
	case <-p.Done():
		return p.Err() == nil
	default:
		return false
	}
}

// watch shows the call until it is over.
func (c *call) watch(ctx context.Context, d callDisplay) error {
	ticker := time.NewTicker(d.period())
	defer ticker.Stop()
	var played, deaf <-chan struct{}
	var timeUp <-chan time.Time
	if c.player != nil {
		played = c.player.Done()
	}
	if c.heard != nil {
		deaf = c.heard.done
	}
	if c.length > 0 {
		timer := time.NewTimer(c.length)
		defer timer.Stop()
		timeUp = timer.C
	}
	d.show(c.report(progress))
	for {
		select {
		case <-ticker.C:
			d.show(c.report(progress))
		case <-played:
			return c.playError()
		case <-c.own.session.Done():
			return c.own.why()
		case <-deaf:
			return c.hearer().reason(ctx, c.heard.err)
		case <-timeUp:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// playError returns why the player has ended.
func (c *call) playError() error {
	err := c.player.Err()
	var malformed *audio.FormatError
	switch {
	case errors.As(err, &malformed):
		return fmt.Errorf("%s: %w", c.sound.name, malformed)
	case errors.Is(err, voiceshard.ErrSource):
		return fmt.Errorf("%s: %w", c.sound.name, err)
	case err != nil && c.speaker().session.Err() != nil:
		return c.speaker().why()
	}
	return c.speaker().reason(c.speaker().alive, err)
}

// why returns why the session has ended.
func (c *caller) why() error { return c.reason(c.alive, c.session.Err()) }

// drain waits for what is on its way to the local listener.
func (c *call) drain(ctx context.Context) {
	if c.match == nil || c.player == nil {
		return
	}
	limit, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	c.match.await(limit, c.player.Stats().Frames)
}

// tell logs what happens in the channel.
func (c *call) tell() {
	for e := range c.own.session.Events(context.Background()) {
		switch e.Kind {
		case voiceshard.EventUserJoined, voiceshard.EventUserLeft:
			c.log.Info(e.Kind.String(), "user", e.User.String())
		case voiceshard.EventMoved, voiceshard.EventConnected:
			c.log.Info(e.Kind.String(), "channel", e.Channel.String())
		case voiceshard.EventSpeaking:
			c.log.Debug(e.Kind.String(), "user", e.User.String(), "flags", uint32(e.Flags))
		}
	}
}
