package handover

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
)

const readyOfTwo = `{"v":10,"guilds":[{"id":"7","unavailable":true},{"id":"8","unavailable":true},{"id":"x"}]}`

func TestGuilds(t *testing.T) {
	var g Guilds
	note := func(name event.Type, data string) string {
		id, announced := g.Note(name, []byte(data))
		return fmt.Sprint(id, announced)
	}
	require.False(t, g.Told(7), "a shard that resumes does not know what was told")
	require.Equal(t, "0 false", note(event.GuildCreate, `{"id":"7"}`))
	require.Equal(t, "0 false", note(event.GuildDelete, `{"id":"7"}`))
	require.False(t, g.Told(7))

	note(event.Ready, readyOfTwo)
	require.False(t, g.Told(7))
	require.True(t, g.Told(9), "not a guild of the bot, or one that it joined later")
	require.Equal(t, "7 true", note(event.GuildCreate, `{"name":"a","id":"7","unavailable":false}`))
	require.True(t, g.Told(7))
	require.Equal(t, "7 false", note(event.GuildCreate, `{"id":"7"}`), "an announcement comes once")
	require.Equal(t, "0 false", note(event.GuildCreate, `{"id":"8","unavailable":true}`), "it is away still")
	require.False(t, g.Told(8))
	require.Equal(t, "8 true", note(event.GuildCreate, `{"id":"8","roles":"`+strings.Repeat("x", maxAway)+`"}`))
	require.Nil(t, g.untold)

	note(event.GuildDelete, `{"id":"7","unavailable":true}`)
	require.False(t, g.Told(7), "an outage: when it comes back it is news")
	require.Equal(t, "7 false", note(event.GuildCreate, `{"id":"7"}`))
	require.True(t, g.Told(7))

	note(event.Ready, `[`)
	require.False(t, g.Told(7), "what cannot be read is not known")
	require.Equal(t, "0 false", note(event.GuildDelete, `{}`))
}

// FuzzGuilds feeds what Discord says of guilds.
func FuzzGuilds(f *testing.F) {
	f.Add(`{"guilds":[{"id":"7"}]}`, `{"id":"7"}`, `{"id":"7","unavailable":true}`)
	f.Add(`{"guilds":[{"id":-1},{}]}`, `{"id":7`, `{"id":"18446744073709551616"}`)
	f.Add(`null`, `[]`, `{"unavailable":true}`)
	f.Fuzz(func(t *testing.T, ready, create, remove string) {
		var g Guilds
		g.Note(event.Ready, []byte(ready))
		listed := len(g.untold)
		id, announced := g.Note(event.GuildCreate, []byte(create))
		require.LessOrEqual(t, len(g.untold), listed)
		if announced {
			require.True(t, g.Told(id))
		}
		g.Note(event.GuildDelete, []byte(remove))
		require.LessOrEqual(t, len(g.untold), listed+1)
	})
}
