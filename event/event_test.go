package event

import (
	"go/constant"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/golden"
)

// camel turns GUILD_CREATE into GuildCreate.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String()
}

func TestTable(t *testing.T) {
	constants := golden.Constants(t, "Type")
	var documented []Type
	for _, row := range golden.Rows(t, "events.txt") {
		name := camel(row[0])
		require.Contains(t, constants, name)
		require.Equal(t, row[0], constant.StringVal(constants[name]))
		delete(constants, name)
		documented = append(documented, Type(row[0]))
	}
	require.Empty(t, constants, "constants without a documented event")
	require.ElementsMatch(t, documented, All())
	require.Len(t, All(), Count)
}

func TestAllIsFresh(t *testing.T) {
	All()[0] = "CHANGED"
	require.Equal(t, Ready, All()[0])
}

func TestIndexIsDense(t *testing.T) {
	for want, name := range All() {
		i, ok := Index(name)
		require.True(t, ok, name)
		require.Equal(t, want, i, name)
		require.Equal(t, name, At(i))
		require.True(t, name.Known())
	}
	_, ok := Index("NOT_AN_EVENT")
	require.False(t, ok)
}

func TestParse(t *testing.T) {
	for _, name := range All() {
		require.Equal(t, name, Parse([]byte(name)))
		// Whatever resembles a documented name is still another name.
		for _, near := range []string{string(name) + "S", string(name[1:]), string(name[:len(name)-1]), strings.ToLower(string(name)), "X" + string(name[1:])} {
			require.Equal(t, Type(near), Parse([]byte(near)))
			require.Equal(t, strings.Contains(string(documented), "\n"+near+"\n"), Type(near).Known(), near)
		}
	}
}

// documented is every name between line ends.
var documented = func() []byte {
	b := []byte("\n")
	for _, name := range names {
		b = append(append(b, name...), '\n')
	}
	return b
}()

func TestParseUnknown(t *testing.T) {
	for _, name := range []string{"", "X", "1234567", "12345678", "READY_SUPPLEMENTAL", strings.Repeat("A", 1<<16), "\xff\x00"} {
		b := []byte(name)
		got := Parse(b)
		require.Equal(t, Type(name), got, "unknown names survive")
		require.False(t, got.Known())
		for i := range b {
			b[i] = '!'
		}
		require.Equal(t, Type(name), got, "the result does not alias the input")
	}
}

func TestHashIsPerfect(t *testing.T) {
	taken := make(map[uint]Type)
	for _, name := range All() {
		slot := hash(name) % slots
		require.Equal(t, slot, hash([]byte(name))%slots, name)
		require.NotContains(t, taken, slot, "%s and %s share a slot: search for another multiplier", name, taken[slot])
		taken[slot] = name
	}
}

func TestKnownNamesCostNoAllocation(t *testing.T) {
	var raw [][]byte
	for _, name := range All() {
		raw = append(raw, []byte(name))
	}
	set := NewSet(All()...)
	set.Add("UNKNOWN")
	unwanted := []byte("READY_SUPPLEMENTAL_AND_MORE_THAN_FITS_ON_THE_STACK")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, name := range raw {
			if !set.Has(Parse(name)) || !set.HasName(name) {
				t.Error(string(name))
			}
		}
		if set.HasName(unwanted) {
			t.Error("unwanted")
		}
	}))
}

func FuzzParse(f *testing.F) {
	for _, name := range names {
		f.Add([]byte(name))
	}
	f.Add([]byte{})
	known := make(map[string]bool)
	for _, name := range names {
		known[string(name)] = true
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := Parse(b)
		require.Equal(t, string(b), string(got))
		require.Equal(t, known[string(b)], got.Known())
		set := NewSet(got)
		require.True(t, set.HasName(b))
	})
}

var sink Type

// traffic is a mix of names as a bot sees it, in an order that no branch
// predictor learns.
var traffic = func() (raw [][]byte) {
	mix := []Type{
		MessageCreate, PresenceUpdate, TypingStart, MessageCreate, MessageReactionAdd, VoiceStateUpdate, MessageUpdate,
		GuildMemberUpdate, PresenceUpdate, MessageCreate, GuildMemberAdd, MessageDelete, ThreadUpdate, GuildCreate,
		InteractionCreate, ChannelUpdate,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1 << 13 {
		raw = append(raw, []byte(mix[random.IntN(len(mix))]))
	}
	return raw
}()

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range traffic {
			sink = Parse(name)
		}
	}
	reportPerName(b)
}

// BenchmarkParseByMap is what Parse is measured against.
func BenchmarkParseByMap(b *testing.B) {
	known := make(map[string]Type)
	for _, name := range names {
		known[string(name)] = name
	}
	for b.Loop() {
		for _, name := range traffic {
			sink = known[string(name)]
		}
	}
	reportPerName(b)
}

func BenchmarkSetHasName(b *testing.B) {
	set := NewSet(MessageCreate, GuildCreate)
	n := 0
	for b.Loop() {
		for _, name := range traffic {
			if set.HasName(name) {
				n++
			}
		}
	}
	reportPerName(b)
}

func reportPerName(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(traffic)), "ns/name")
}
