package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/discordpkg/gateway/voiceshard"
)

// A call is one run of play or record: the bot that the user runs, and with
// the local Discord another one at the other end.
type call struct {
	*voiceOptions
	log      *slog.Logger
	discord  *gatewaytest.Server // nil with a token
	own      *caller
	other    *caller // nil with a token
	room     room
	sound    *sound             // nil if the bot only records
	player   *voiceshard.Player // of the sound
	heard    *recording         // nil if the bot only plays
	match    *comparison        // with both
	recorded time.Duration      // at the end
	started  time.Time
	finished bool // the sound has come to its end
	watching sync.WaitGroup
}

// The times that things may take.
const (
	keyTime   = 10 * time.Second // until those in the channel have a key
	drainTime = 2 * time.Second  // until what was played is heard
)

// speaker returns who plays, nil if nobody does.
func (c *call) speaker() *caller {
	if c.records {
		return c.other
	}
	return c.own
}

// hearer returns who records, nil if nobody does.
func (c *call) hearer() *caller {
	if c.records {
		return c.own
	}
	return c.other
}

// prepare does everything until sound can flow. What it opened, end closes.
func (c *call) prepare(ctx context.Context, m machine) (err error) {
	if err := c.openFiles(ctx, m); err != nil {
		return err
	}
	if c.local() {
		l, err := m.listen()
		if err != nil {
			return err
		}
		c.discord = startLocalVoice(l)
	}
	a, err := m.locateVoice(ctx, c)
	if err != nil {
		return err
	}
	if c.own, err = a.connect(ctx, voiceOf(c.records)...); err != nil {
		return err
	}
	if c.room, err = c.own.find(ctx, c.voiceOptions); err != nil {
		return err
	}
	c.log.Info("joining", "channel", c.room.channel.String(), "name", c.room.name, "guild", c.room.guildName)
	if err = c.own.join(ctx, c.room, joinOf(c.records)...); err != nil {
		return err
	}
	c.watching.Go(c.tell)
	if c.local() {
		if err = c.addOther(ctx, a); err != nil {
			return err
		}
	} else {
		c.waitForKeys(ctx)
	}
	log := c.log
	if e := c.own.encryption(); e.Code != "" {
		log = log.With("dave", e.Version, "privacy_code", e.Code)
	}
	log.Info("joined")
	return nil
}

// openFiles opens what is played and what is recorded.
func (c *call) openFiles(ctx context.Context, m machine) (err error) {
	if c.local() || !c.records {
		if c.sound, err = openSound(ctx, c.voiceOptions, m.stdin); err != nil {
			return err
		}
	}
	if c.local() {
		c.match = newComparison()
		c.sound.tap = c.match.say
	}
	var open func(snowflake.ID) (io.WriteCloser, error)
	switch {
	case c.records:
		open, err = recordDir(c.dir)
	case c.local():
		open, err = recordFile(c.record)
	default:
		return nil
	}
	c.heard = newRecording(c.match, open)
	return err
}

// voiceOf returns the options of one who hears or not.
func voiceOf(hears bool) []voiceshard.Option {
	if hears {
		return nil
	}
	return []voiceshard.Option{voiceshard.WithQueue(0)}
}

// joinOf shows others what to expect of one who hears or else plays.
func joinOf(hears bool) []voiceshard.JoinOption {
	if hears {
		return []voiceshard.JoinOption{voiceshard.SelfMute()}
	}
	return []voiceshard.JoinOption{voiceshard.SelfDeaf()}
}

var errNoGuild = errors.New("the bot has more than one shard: say in which guild the channel is, with -guild")

// locateVoice returns how the own bot comes to Discord.
func (m machine) locateVoice(ctx context.Context, c *call) (access, error) {
	a := access{url: c.url, token: c.token(), total: 1, tls: m.trust, dial: m.dial, log: c.log}
	switch {
	case c.discord != nil:
		a.url, a.token, a.tls = c.discord.DialURL, localBots[0], c.discord.TLSClientConfig()
	case c.url == "":
		found, err := m.discovery.GatewayBot(ctx, a.token)
		if err != nil {
			return a, err
		}
		if a.url, a.total = found.URL, found.Shards; a.total > 1 && c.guild == 0 {
			return a, errNoGuild
		}
		a.shard = gateway.DeriveShardID(uint64(c.guild), a.total)
	}
	return a, nil
}

// addOther adds the bot at the other end, and returns when both have the keys.
func (c *call) addOther(ctx context.Context, a access) (err error) {
	a.token = localBots[1]
	if c.other, err = a.connect(ctx, voiceOf(!c.records)...); err != nil {
		return err
	}
	if _, err = c.other.find(ctx, c.voiceOptions); err != nil {
		return err
	}
	if err = c.other.join(ctx, c.room, joinOf(!c.records)...); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, keyTime)
	defer cancel()
	for _, bot := range []*caller{c.own, c.other} {
		if !bot.private(limit, len(localBots)) {
			return errors.Join(context.Cause(ctx), errors.New("the bots did not agree on keys for end-to-end encryption in time"))
		}
	}
	c.discord.Voice().Faults().SetNetwork(voiceserver.Network{Loss: c.loss}, gatewaytest.BotID(c.hearerIndex()))
	return nil
}

func (c *call) hearerIndex() int {
	if c.records {
		return 0
	}
	return 1
}

// waitForKeys waits until others in the channel can hear the bot, if there are
// any.
func (c *call) waitForKeys(ctx context.Context) {
	others := c.own.sees.others(c.room)
	if others == 0 {
		c.log.Info("nobody else is in the channel yet")
		return
	}
	limit, cancel := context.WithTimeout(ctx, keyTime)
	defer cancel()
	if !c.own.private(limit, 2) && ctx.Err() == nil {
		c.log.Warn("no key for end-to-end encryption yet: until there is one the others hear nothing", "others", others)
	}
}

// end leaves the channel and closes everything.
func (c *call) end(ctx context.Context) (err error) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	for _, bot := range []*caller{c.own, c.other} {
		if bot != nil {
			err = errors.Join(err, bot.leave(limit))
		}
	}
	c.watching.Wait()
	if c.discord != nil {
		err = errors.Join(err, voiceBreach(c.discord))
		c.discord.Close()
	}
	if c.sound != nil {
		_ = c.sound.Close()
	}
	return err
}
