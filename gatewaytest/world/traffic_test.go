package world

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
)

func TestMadeUpEventsAreJSON(t *testing.T) {
	w, err := New(WithSeed(1))
	require.NoError(t, err)
	seen := make(map[event.Type]int)
	for range 2000 {
		name, data := w.makeUp(epoch, w.guilds[0], 1)
		require.True(t, json.Valid(data), "%s: %s", name, data)
		require.True(t, name.Known(), name)
		seen[name]++
	}
	require.GreaterOrEqual(t, len(seen), 8, "every kind was made up")
}
