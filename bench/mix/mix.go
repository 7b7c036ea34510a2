// Package mix makes up the dispatches of a busy gateway connection: the kinds,
// shares and sizes that a bot in some thousand guilds with all intents sees.
// The same seed gives the same bytes.
package mix

import (
	"fmt"
	"iter"
	"math/rand/v2"
)

// MeanSize is the size in bytes that the dispatches have on average, give or
// take a twentieth.
const MeanSize = 855

// A kind is one sort of dispatch and how many of ten thousand are of it.
type kind struct {
	name  string
	share int
	write func(*author)
}

var kinds = []kind{
	{"PRESENCE_UPDATE", 3000, (*author).presenceUpdate},
	{"MESSAGE_CREATE", 1800, (*author).messageCreate},
	{"TYPING_START", 1240, (*author).typingStart},
	{"GUILD_MEMBER_UPDATE", 1100, (*author).memberUpdate},
	{"MESSAGE_REACTION_ADD", 900, (*author).reactionAdd},
	{"MESSAGE_UPDATE", 750, (*author).messageUpdate},
	{"VOICE_STATE_UPDATE", 600, (*author).voiceState},
	{"MESSAGE_REACTION_REMOVE", 200, (*author).reactionRemove},
	{"MESSAGE_DELETE", 200, (*author).messageDelete},
	{"CHANNEL_UPDATE", 100, (*author).channelUpdate},
	{"THREAD_UPDATE", 100, (*author).threadUpdate},
	{"GUILD_CREATE", 10, (*author).guildCreate},
}

// Names returns the events that occur in the mix.
func Names() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Dispatches returns n dispatches of ascending sequence number, the first of
// which is seq. Each is valid until the next one.
func Dispatches(seed, seq uint64, n int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		a := newAuthor(seed)
		for i := range uint64(n) {
			if !yield(a.dispatch(a.pick(), seq+i)) {
				return
			}
		}
	}
}

// GuildCreate returns the dispatch of one guild with its channels, roles and
// members, some 70 kB.
func GuildCreate(seed, seq uint64) []byte {
	a := newAuthor(seed)
	return a.dispatch(kind{name: "GUILD_CREATE", write: (*author).guildCreate}, seq)
}

// An author writes events in Discord's words.
type author struct {
	*rand.Rand
	out []byte
}

func newAuthor(seed uint64) *author {
	return &author{Rand: rand.New(rand.NewPCG(seed, seed))} //nolint:gosec // made up, not secret
}

// dispatch writes the envelope with its keys in Discord's order.
func (a *author) dispatch(k kind, seq uint64) []byte {
	a.out = a.out[:0]
	a.printf(`{"t":"%s","s":%d,"op":0,"d":`, k.name, seq)
	k.write(a)
	a.printf(`}`)
	return a.out
}

func (a *author) pick() kind {
	at := a.IntN(10_000)
	for _, k := range kinds {
		if at -= k.share; at < 0 {
			return k
		}
	}
	return kinds[0]
}

func (a *author) printf(format string, args ...any) {
	a.out = fmt.Appendf(a.out, format, args...)
}
