package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/voiceshard"
)

// An access is how a bot comes to Discord.
type access struct {
	url   string
	token string
	shard gateway.ShardID
	total uint // shards
	tls   *tls.Config
	dial  dialFunc
	log   *slog.Logger
}

// A caller is a bot that can be in a voice channel.
type caller struct {
	log     *slog.Logger
	shard   *gatewayshard.Shard
	voice   *voiceshard.Voice
	sees    *directory
	session *voiceshard.Session // after join
	alive   context.Context     // ends with the shard, which is the cause
	end     context.CancelCauseFunc
	running sync.WaitGroup
}

// guildTime is how long a session and the guilds may take to come at the
// beginning. A bot that has been run just before has to wait for some seconds.
const guildTime = 20 * time.Second

// connect connects a bot to the main gateway. Options are those of its voice.
func (a access) connect(ctx context.Context, options ...voiceshard.Option) (*caller, error) {
	a.log = quieter(a.log)
	c := &caller{log: a.log, sees: newDirectory()}
	c.alive, c.end = context.WithCancelCause(context.WithoutCancel(ctx))
	config := gatewayshard.Config{NetDial: a.dial, TLS: a.tls, Logger: a.log}
	var err error
	c.shard, err = config.NewShard(a.shard, a.token, c.handle, gateway.WithURL(a.url), gateway.WithShardCount(a.total),
		gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates))
	if err != nil {
		return nil, err
	}
	c.voice, err = voiceshard.New(c.shard, 0, append(options,
		voiceshard.WithTLS(a.tls), voiceshard.WithNetDial(a.dial), voiceshard.WithLogger(a.log))...)
	if err != nil {
		return nil, err
	}
	c.running.Go(func() {
		err := c.shard.Run(context.WithoutCancel(ctx))
		c.end(err)
		if err != nil { // sessions cannot go on
			_ = c.voice.Close(context.WithoutCancel(ctx))
		}
	})
	return c, nil
}

// quieter is a log without what connections say about themselves in good times,
// which the call says better.
func quieter(log *slog.Logger) *slog.Logger {
	if log.Enabled(context.Background(), slog.LevelDebug) {
		return log
	}
	return slog.New(warnings{log.Handler()})
}

// warnings is a log of what is wrong, but for the errors that end the program,
// which says them itself.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l == slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

func (c *caller) handle(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
	heardBefore, hearsBefore := c.sees.allowed()
	c.sees.handle(name, data)
	if heard, hears := c.sees.allowed(); heardBefore && !heard {
		c.log.Warn("nobody hears the bot: a moderator has muted it, it has no permission to speak, or is in the audience of a stage")
	} else if hearsBefore && !hears {
		c.log.Warn("the bot hears nobody: a moderator has deafened it")
	}
	c.voice.HandleEvent(name, data)
}

// while returns a context that ends with ctx, and with the caller.
func (c *caller) while(ctx context.Context) (context.Context, context.CancelFunc) {
	both, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.alive, func() { cancel(context.Cause(c.alive)) })
	return both, func() { stop(); cancel(nil) }
}

// find returns the channel that the options mean.
func (c *caller) find(ctx context.Context, o *voiceOptions) (room, error) {
	ctx, cancel := c.while(ctx)
	defer cancel()
	limit, stop := context.WithTimeout(ctx, guildTime)
	defer stop()
	r, err := c.sees.find(limit, o.guild, o.channel, o.local())
	return r, c.reason(ctx, err)
}

// reason returns why something failed: err, unless it is a consequence of the
// end of the caller or ctx.
func (c *caller) reason(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case c.alive.Err() != nil:
		return context.Cause(c.alive)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// join joins a channel.
func (c *caller) join(ctx context.Context, r room, options ...voiceshard.JoinOption) error {
	ctx, cancel := c.while(ctx)
	defer cancel()
	s, err := c.voice.Join(ctx, r.guild, r.channel, options...)
	if err != nil {
		return c.reason(ctx, fmt.Errorf("join %v: %w", r, err))
	}
	c.session = s
	return nil
}

// leave leaves the channel and Discord.
func (c *caller) leave(ctx context.Context) error {
	err := c.voice.Close(ctx)
	if c.alive.Err() != nil { // nobody could be told
		err = nil
	}
	err = errors.Join(err, c.shard.Close(ctx, gatewayshard.EndSession))
	c.running.Wait()
	return err
}

// An e2ee is what there is to know of the end-to-end encryption.
type e2ee struct {
	Version uint16 `json:"version"` // of DAVE, zero: the call does without
	Epoch   uint64 `json:"epoch,omitempty"`
	Members int    `json:"members,omitempty"`
	Code    string `json:"privacy_code,omitempty"` // 30 digits, empty as long as nobody else is there
	ready   bool
}

func (c *caller) encryption() (e e2ee) {
	c.session.Encryption(func(f voiceshard.FrameCryptor) {
		if s, ok := f.(*dave.Session); ok {
			e = e2ee{Version: s.Version(), Epoch: s.Epoch(), Members: len(s.Members()), Code: s.PrivacyCode(), ready: s.Ready()}
		}
	})
	return e
}

// private returns when those who are in the channel can be spoken to, or ctx
// ends. It reports whether they can.
func (c *caller) private(ctx context.Context, members int) bool {
	look := time.NewTicker(10 * time.Millisecond) // keys are made without an event
	defer look.Stop()
	for {
		e := c.encryption()
		if e.Version == 0 || e.ready && e.Members >= members {
			return true
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
}
