package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

// seeing returns the directory of a bot in two guilds.
func seeing() *directory {
	d := newDirectory()
	d.handle(event.Ready, []byte(`{"guilds":[{"id":"1"},{"id":"2"},{"id":"3"}]}`))
	d.handle(event.GuildCreate, []byte(`{"id":"1","name":"One","channels":[{"id":"10","type":0,"name":"text"},{"id":"11","type":2,"name":"Voice"}]}`))
	d.handle(event.GuildCreate, []byte(`{"id":"2","name":"Two","channels":[{"id":"20","type":2,"name":"A"},{"id":"21","type":13,"name":"Stage"}]}`))
	return d
}

func TestFindChannel(t *testing.T) {
	for name, c := range map[string]struct {
		guild, channel snowflake.ID
		first          bool
		want           snowflake.ID
		err            string
	}{
		"channel":             {0, 20, false, 20, ""},
		"stage":               {0, 21, false, 21, ""},
		"both":                {2, 20, false, 20, ""},
		"the only one":        {1, 0, false, 11, ""},
		"the first one":       {0, 0, true, 11, ""},
		"several":             {2, 0, false, 0, "which channel? Say so with -channel\nThe bot sees these voice channels:\n  20  \"A\" of \"Two\"\n  21  \"Stage\" of \"Two\""},
		"text":                {0, 10, false, 0, `the channel 10 is no voice channel but "text" of "One"`},
		"in another guild":    {1, 20, false, 0, `the channel 20 is "A" of "Two", which is the guild 2`},
		"no such guild":       {9, 0, false, 0, "the bot is not in the guild 9"},
		"no such channel":     {0, 99, false, 0, "the bot sees no channel 99"},
		"unavailable guild":   {3, 0, false, 0, "the bot is not in the guild 3, or it is not available"},
		"of an unknown guild": {3, 20, false, 0, "the bot is not in the guild 3"},
	} {
		t.Run(name, func(t *testing.T) {
			d := seeing()
			d.handle(event.GuildDelete, []byte(`{"id":"3","unavailable":true}`))
			r, err := d.find(t.Context(), c.guild, c.channel, c.first)
			require.Equal(t, c.want, r.channel)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
		})
	}
}

func TestFindWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := newDirectory().find(limit, 0, 1, false)
		require.ErrorIs(t, err, errNoSession)

		d := newDirectory()
		d.handle(event.Ready, []byte(`{"guilds":[{"id":"1"}]}`))
		limit, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = d.find(limit, 0, 1, false)
		require.ErrorIs(t, err, errNoGuilds)

		d = seeing() // the third guild never comes
		limit, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = d.find(limit, 3, 0, false)
		require.ErrorContains(t, err, "not in the guild 3")
		go func() {
			time.Sleep(time.Second) // virtual
			d.handle(event.GuildCreate, []byte(`{"id":"3","name":"Three","channels":[{"id":"30","type":2,"name":"V"}]}`))
		}()
		r, err := d.find(t.Context(), 0, 30, false)
		require.NoError(t, err)
		require.Equal(t, snowflake.ID(3), r.guild)
	})
}

func TestNoChannels(t *testing.T) {
	d := newDirectory()
	d.handle(event.Ready, []byte(`not JSON`))
	d.handle(event.GuildCreate, []byte(`not JSON`))
	d.handle(event.Ready, []byte(`{"guilds":[]}`))
	_, err := d.find(t.Context(), 0, 0, true)
	require.ErrorContains(t, err, "invite it to a guild")
}

func TestManyChannelsAreNotAllOffered(t *testing.T) {
	d := newDirectory()
	d.handle(event.Ready, []byte(`{"guilds":[{"id":"1"}]}`))
	var list strings.Builder
	for n := range 100 {
		fmt.Fprintf(&list, `{"id":"%d","type":2,"name":"V"},`, n+2)
	}
	d.handle(event.GuildCreate, []byte(`{"id":"1","name":"One","channels":[`+strings.TrimSuffix(list.String(), ",")+`]}`))
	_, err := d.find(t.Context(), 0, 0, false)
	require.ErrorContains(t, err, "and 80 more")
	require.Equal(t, maxOffered+2, strings.Count(err.Error(), "\n"))
}

func TestVoiceStates(t *testing.T) {
	d := newDirectory()
	d.handle(event.VoiceStateUpdate, []byte(`{"guild_id":"1","channel_id":"11","user_id":"5"}`)) // before READY
	d.handle(event.Ready, []byte(`{"user":{"id":"7"},"guilds":[{"id":"1"}]}`))
	d.handle(event.GuildCreate, []byte(`{"id":"1","voice_states":[{"channel_id":"11","user_id":"7"},{"channel_id":"11","user_id":"8"},{"channel_id":"12","user_id":"9"}]}`))
	r := room{guild: 1, channel: 11}
	require.Equal(t, 1, d.others(r))
	d.handle(event.VoiceStateUpdate, []byte(`{"guild_id":"1","channel_id":"11","user_id":"9"}`))
	require.Equal(t, 2, d.others(r))
	d.handle(event.VoiceStateUpdate, []byte(`{"guild_id":"1","channel_id":null,"user_id":"8"}`))
	require.Equal(t, 1, d.others(r))
	for state, want := range map[string][2]bool{
		`"channel_id":"11"`:                    {true, true},
		`"channel_id":"11","self_mute":true`:   {true, true},
		`"channel_id":"11","mute":true`:        {false, true},
		`"channel_id":"11","suppress":true`:    {false, true},
		`"channel_id":"11","deaf":true`:        {true, false},
		`"channel_id":null,"mute":true`:        {true, true},
		`"channel_id":"11","mute":"not JSON"}`: {true, true},
	} {
		d.handle(event.VoiceStateUpdate, []byte(`{"guild_id":"1","user_id":"7","channel_id":"11"}`))
		d.handle(event.VoiceStateUpdate, []byte(`{"guild_id":"1","user_id":"7",`+state+`}`))
		heard, hears := d.allowed()
		require.Equal(t, want, [2]bool{heard, hears}, state)
	}
}
