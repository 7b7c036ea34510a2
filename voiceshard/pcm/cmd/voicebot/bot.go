package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
)

// The bots of the local Discord.
const (
	localToken = "own"
	otherToken = "other"
)

// startLocal starts a Discord with a voice server in this process.
func startLocal() *gatewaytest.Server {
	return gatewaytest.NewServer(
		gatewaytest.WithToken(localToken, otherToken),
		gatewaytest.WithGuilds(1, 2),
		gatewaytest.WithIdentifyInterval(0),
		gatewaytest.WithVoiceServer(),
	)
}

// An access is how a bot comes to Discord.
type access struct {
	url   string
	token string
	tls   *tls.Config // nil: the system's
	log   *slog.Logger
}

// A bot is one in a voice channel.
type bot struct {
	shard   *gatewayshard.Shard
	voice   *voiceshard.Voice
	session *voiceshard.Session
	guild   snowflake.ID
	channel snowflake.ID
	end     context.CancelCauseFunc
	running sync.WaitGroup

	mu    sync.Mutex // guards found
	found chan place // the first voice channel that Discord told of; nil once it did
}

// A place is a voice channel.
type place struct{ guild, channel snowflake.ID }

// joinTime is how long it may take to be in a channel.
const joinTime = 30 * time.Second

// join connects a bot and joins the channel that the options name, or the first one.
func (a access) join(ctx context.Context, o *options) (*bot, error) {
	found := make(chan place, 1)
	b := &bot{found: found}
	var err error
	b.shard, err = gatewayshard.Config{Logger: a.log}.NewShard(0, a.token, b.handle, gateway.WithURL(a.url),
		gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates))
	if err != nil {
		return nil, err
	}
	if b.voice, err = voiceshard.New(b.shard, 0, voiceshard.WithLogger(a.log), voiceshard.WithTLS(a.tls)); err != nil {
		return nil, err
	}
	alive, end := context.WithCancelCause(context.WithoutCancel(ctx))
	b.end = end
	b.running.Go(func() { end(b.shard.Run(alive)) })
	within, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	stop := context.AfterFunc(alive, cancel) // a wrong token, for example
	defer stop()
	p := place{o.guild, o.channel}
	if p.channel == 0 {
		select {
		case p = <-found:
		case <-within.Done():
		}
	}
	if p.channel != 0 {
		b.guild, b.channel = p.guild, p.channel
		b.session, err = b.voice.Join(within, p.guild, p.channel)
	} else {
		err = fmt.Errorf("discord told of no voice channel within %v", joinTime)
	}
	if err != nil {
		if cause := context.Cause(alive); cause != nil {
			err = cause
		}
		return nil, errors.Join(err, b.leave())
	}
	return b, nil
}

func (b *bot) handle(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
	if name == event.GuildCreate {
		b.see(data)
	}
	b.voice.HandleEvent(name, data)
}

// see looks for a voice channel in a GUILD_CREATE.
func (b *bot) see(data []byte) {
	const voiceChannel = 2
	var g struct {
		ID       snowflake.ID
		Channels []struct {
			ID   snowflake.ID
			Type int
		}
	}
	if json.Unmarshal(data, &g) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range g.Channels {
		if c.Type == voiceChannel && b.found != nil {
			b.found <- place{g.ID, c.ID}
			b.found = nil
		}
	}
}

// leaveTime is how long it may take to leave.
const leaveTime = 5 * time.Second

// leave leaves the channel and Discord.
func (b *bot) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	err := b.voice.Close(ctx)
	err = errors.Join(err, b.shard.Close(ctx, gatewayshard.EndSession))
	b.end(nil)
	b.running.Wait()
	return err
}

// meet returns when two bots can hear one another: the keys of the end-to-end
// encryption have been agreed on.
func (b *bot) meet(ctx context.Context, other *bot) error {
	within, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond) // keys are made without an event
	defer look.Stop()
	for !b.private() || !other.private() {
		select {
		case <-look.C:
		case <-within.Done():
			return fmt.Errorf("no keys within %v: %w", joinTime, context.Cause(within))
		}
	}
	return nil
}

// private reports whether both are in the group that has the keys.
func (b *bot) private() (ready bool) {
	b.session.Encryption(func(f voiceshard.FrameCryptor) {
		s, ok := f.(*dave.Session)
		ready = ok && s.Ready() && len(s.Members()) == 2
	})
	return ready
}
