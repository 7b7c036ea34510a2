package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

// A room is a channel of a guild.
type room struct {
	guild     snowflake.ID
	guildName string
	channel   snowflake.ID
	name      string
	kind      int // Discord's type of the channel
}

// The types of channels that have voice.
//
// https://discord.com/developers/docs/resources/channel#channel-object-channel-types
const (
	voiceChannel = 2
	stageChannel = 13
)

func (r room) voice() bool { return r.kind == voiceChannel || r.kind == stageChannel }

func (r room) String() string { return fmt.Sprintf("%q of %q", r.name, r.guildName) }

// A directory is what the bot can see. It is safe for concurrent use.
type directory struct {
	mu      sync.Mutex // guards what follows
	ready   bool
	awaited map[snowflake.ID]struct{} // guilds that READY names and that did not come yet
	guilds  map[snowflake.ID]string   // names
	rooms   []room
	voice   voiceStates
	changed chan struct{} // closed at the next change
}

func newDirectory() *directory {
	return &directory{
		awaited: make(map[snowflake.ID]struct{}),
		guilds:  make(map[snowflake.ID]string),
		changed: make(chan struct{}),
	}
}

// handle takes an event of the main gateway.
func (d *directory) handle(name event.Type, data []byte) {
	d.mu.Lock()
	d.voice.handle(name, data)
	d.mu.Unlock()
	switch name {
	case event.Ready:
		var v struct {
			Guilds []struct{ ID snowflake.ID }
		}
		if json.Unmarshal(data, &v) == nil {
			d.change(func() {
				d.ready = true
				for _, g := range v.Guilds {
					d.awaited[g.ID] = struct{}{}
				}
			})
		}
	case event.GuildCreate:
		d.enter(data)
	case event.GuildDelete: // unavailable, when it comes at the beginning
		var v struct{ ID snowflake.ID }
		if json.Unmarshal(data, &v) == nil {
			d.change(func() { delete(d.awaited, v.ID) })
		}
	}
}

// enter takes a GUILD_CREATE.
func (d *directory) enter(data []byte) {
	var v struct {
		ID       snowflake.ID
		Name     string
		Channels []struct {
			ID   snowflake.ID
			Name string
			Type int
		}
	}
	if json.Unmarshal(data, &v) != nil {
		return
	}
	d.change(func() {
		delete(d.awaited, v.ID)
		d.guilds[v.ID] = v.Name
		d.rooms = slices.DeleteFunc(d.rooms, func(r room) bool { return r.guild == v.ID })
		for _, c := range v.Channels {
			d.rooms = append(d.rooms, room{guild: v.ID, guildName: v.Name, channel: c.ID, name: c.Name, kind: c.Type})
		}
	})
}

func (d *directory) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	close(d.changed)
	d.changed = make(chan struct{})
}

var (
	errNoSession = fmt.Errorf("no session with discord within %v: the log says why", guildTime)
	errNoGuilds  = fmt.Errorf("discord told of no guild within %v: has the bot been invited to one?", guildTime)
)

// find returns the voice channel that the ids mean; zero is any. It waits for
// the guilds until ctx ends, and then makes do with those that came. With first
// it takes the first one of several.
func (d *directory) find(ctx context.Context, guild, channel snowflake.ID, first bool) (room, error) {
	for {
		d.mu.Lock()
		found, err := d.choose(guild, channel, first)
		complete := d.ready && len(d.awaited) == 0
		changed := d.changed
		d.mu.Unlock()
		if complete || err == nil && (channel != 0 || first) {
			return found, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			switch session, guilds := d.known(); {
			case !session:
				return room{}, errNoSession
			case !guilds:
				return room{}, errNoGuilds
			}
			return found, err
		}
	}
}

// others returns how many users but the bot are in a channel.
func (d *directory) others(r room) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.voice.others(r)
}

// allowed reports whether the bot is heard, and whether it hears others, in the
// channel where it is.
func (d *directory) allowed() (heard, hears bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.voice.muted, !d.voice.deafen
}

// known reports whether the bot has a session, and whether any guild has come.
func (d *directory) known() (session, guilds bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ready, len(d.guilds) > 0
}

// choose does what find does without waiting. The caller holds mu.
func (d *directory) choose(guild, channel snowflake.ID, first bool) (room, error) {
	if _, ok := d.guilds[guild]; guild != 0 && !ok {
		return room{}, fmt.Errorf("the bot is not in the guild %v, or it is not available%s", guild, d.offer(0))
	}
	var fit []room
	for _, r := range d.rooms {
		switch {
		case channel == r.channel && guild != 0 && guild != r.guild:
			return room{}, fmt.Errorf("the channel %v is %v, which is the guild %v", channel, r, r.guild)
		case channel == r.channel && !r.voice():
			return room{}, fmt.Errorf("the channel %v is no voice channel but %v%s", channel, r, d.offer(r.guild))
		case channel == r.channel, channel == 0 && r.voice() && (guild == 0 || guild == r.guild):
			fit = append(fit, r)
		}
	}
	switch {
	case len(fit) == 0 && channel != 0:
		return room{}, fmt.Errorf("the bot sees no channel %v: is it in the guild, and may it view the channel?%s", channel, d.offer(guild))
	case len(fit) == 0:
		return room{}, errors.New("the bot sees no voice channel: invite it to a guild, and let it view one")
	case len(fit) > 1 && !first:
		return room{}, fmt.Errorf("which channel? Say so with -channel%s", d.offer(guild))
	}
	return fit[0], nil
}

// maxOffered is how many channels fit on a screen.
const maxOffered = 20

// offer lists the voice channels of a guild, or of all, for the end of an error.
func (d *directory) offer(guild snowflake.ID) string {
	var b strings.Builder
	n := 0
	for _, r := range d.rooms {
		if !r.voice() || guild != 0 && r.guild != guild {
			continue
		}
		if n++; n <= maxOffered {
			fmt.Fprintf(&b, "\n  %v  %v", r.channel, r)
		}
	}
	if n == 0 {
		return ""
	}
	if n > maxOffered {
		fmt.Fprintf(&b, "\n  and %d more", n-maxOffered)
	}
	return "\nThe bot sees these voice channels:" + b.String()
}
