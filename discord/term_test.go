package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
)

// codecs write terms as clients do, and as Discord does.
var codecs = []etf.Codec{{}, {IntegerIDs: true, AtomKeys: true}}

// term returns JSON as a term, without the version byte.
func term(t testing.TB, c etf.Codec, data []byte) []byte {
	t.Helper()
	wire, err := c.AppendWire(nil, data)
	require.NoError(t, err)
	return wire[1:]
}

// TestTerms reads each event from JSON and from the same as a term.
func TestTerms(t *testing.T) {
	for _, s := range samples(t) {
		for _, c := range codecs {
			want, err := Decode(s.name, s.data)
			require.NoError(t, err)
			have := New(s.name)
			data := term(t, c, s.data)
			require.NoError(t, have.DecodeETF(data), s)
			require.Empty(t, have.Raw())
			for i := range data {
				data[i] = '!'
			}
			// Numbers of parts that are kept as they came may be written otherwise.
			require.Equal(t, encoded(t, bare(want)), encoded(t, bare(have)), s)
		}
	}
}

// encoded is an event as a tree of JSON.
func encoded(t *testing.T, e Event) any {
	t.Helper()
	text, err := json.Marshal(e)
	require.NoError(t, err)
	var tree any
	require.NoError(t, json.Unmarshal(text, &tree))
	return tree
}

// strictTerm is Strict for a term.
func strictTerm(data []byte, e Event) error {
	d := newTermDecoder(data)
	e.decode(&d)
	if err := d.end(e.typeName()); err != nil {
		return err
	}
	return d.misfit(e.typeName())
}

// compareTerm reads a term in both ways.
func compareTerm(t *testing.T, name event.Type, data []byte) {
	t.Helper()
	have, lenient, want := New(name), New(name), New(name)
	err := strictTerm(data, have)
	text, translated := etf.Codec{}.AppendJSON(nil, data, len(data)*8+64)
	if errors.Is(err, ErrDepth) || len(data) > 0 && data[0] == 131 {
		return
	}
	var syntax *SyntaxError
	if require.Equal(t, errors.As(err, &syntax), lenient.DecodeETF(data) != nil); syntax != nil {
		return
	}
	if translated != nil || ambiguous(text) {
		return // what is skipped is not looked at
	}
	wantErr := Strict(text, want)
	if wantErr != nil {
		return // an integer that is large fits here, and is text there
	}
	require.NoError(t, err, "%s", text)
	require.Equal(t, encoded(t, want), encoded(t, have), "%s", text)
}

func TestTermsOfShapes(t *testing.T) {
	for i, s := range samples(t) {
		for seed := range 10 {
			data := term(t, codecs[seed%2], spoiledButFloats(t, s.data, uint64(i*10+seed), 1+seed%3))
			if compareTerm(t, s.name, data); t.Failed() {
				t.Fatalf("%s: %q", s, data)
			}
		}
	}
}

// spoiledButFloats is spoiled, without numbers that terms do not hold.
func spoiledButFloats(t *testing.T, data []byte, seed uint64, changes int) []byte {
	return bytes.ReplaceAll(spoiled(t, data, seed, changes), []byte(`1E400`), []byte(`1E300`))
}

func TestMisfitsOfTermsNameThePath(t *testing.T) {
	for text, want := range map[string]string{
		`{"embeds":[{},{},{"fields":[{"name":1}]}]}`: "discord: MessageCreate.embeds[2].fields[0].name: number, want string",
		`{"content":{"a":[1]}}`:                      "discord: MessageCreate.content: object, want string",
		`{"mention_roles":["1",true]}`:               "discord: MessageCreate.mention_roles[1]: boolean, want snowflake",
		`{"type":"0"}`:                               "discord: MessageCreate.type: string, want integer",
		`{"pinned":[1]}`:                             "discord: MessageCreate.pinned: list, want boolean",
	} {
		require.EqualError(t, strictTerm(term(t, etf.Codec{}, []byte(text)), new(MessageCreate)), want)
	}
}

// TestTermsOfEachKind reads what Discord may write in several ways.
func TestTermsOfEachKind(t *testing.T) {
	field := func(key, value string) string { // a map of one pair
		return "t\x00\x00\x00\x01s" + string(rune(len(key))) + key + value
	}
	for _, c := range []struct {
		data string
		read func(*GuildScheduledEventCreate) any
		want any
	}{
		{field("id", "n\x08\x00\x01\x02\x03\x04\x05\x06\x07\x08"), func(e *GuildScheduledEventCreate) any { return uint64(e.ID) }, uint64(0x0807060504030201)},
		{field("id", "o\x00\x00\x00\x09\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"), func(e *GuildScheduledEventCreate) any { return uint64(e.ID) }, uint64(1)},
		{field("id", "m\x00\x00\x00\x02\x31\x32"), func(e *GuildScheduledEventCreate) any { return uint64(e.ID) }, uint64(12)},
		{field("id", "s\x03nil"), func(e *GuildScheduledEventCreate) any { return uint64(e.ID) }, uint64(0)},
		{field("name", "s\x04true"), func(e *GuildScheduledEventCreate) any { return e.Name }, ""},
		{field("name", "d\x00\x03abc"), func(e *GuildScheduledEventCreate) any { return e.Name }, "abc"},
		{field("name", "m\x00\x00\x00\x02a\xff"), func(e *GuildScheduledEventCreate) any { return e.Name }, "a\ufffd"},
		{field("user_count", "b\xff\xff\xff\xfe"), func(e *GuildScheduledEventCreate) any { return e.UserCount }, Of(int64(-2))},
		{field("user_count", "F\x40\x08\x00\x00\x00\x00\x00\x00"), func(e *GuildScheduledEventCreate) any { return e.UserCount }, Of(int64(3))},
		{field("user_count", "F\x3f\xe0\x00\x00\x00\x00\x00\x00"), func(e *GuildScheduledEventCreate) any { return e.UserCount }, Opt[int64]{}},
		{field("user_count", "v\x00\x04null"), func(e *GuildScheduledEventCreate) any { return e.UserCount }, Null[int64]()},
		{field("recurrence_rule", field("by_weekday", "k\x00\x03\x00\x02\x06")), func(e *GuildScheduledEventCreate) any { return e.RecurrenceRule.ByWeekday },
			[]RecurrenceRuleWeekday{RecurrenceRuleWeekdayMonday, RecurrenceRuleWeekdayWednesday, RecurrenceRuleWeekdaySunday}},
		{field("recurrence_rule", field("by_weekday", "h\x02a\x00a\x01")), func(e *GuildScheduledEventCreate) any { return len(e.RecurrenceRule.ByWeekday) }, 2},
		{field("recurrence_rule", field("by_weekday", "j")), func(e *GuildScheduledEventCreate) any { return e.RecurrenceRule.ByWeekday }, []RecurrenceRuleWeekday{}},
	} {
		var e GuildScheduledEventCreate
		require.NoError(t, e.DecodeETF([]byte(c.data)), "%q", c.data)
		require.Equal(t, c.want, c.read(&e), "%q", c.data)
	}
}

func TestTermsAreRefused(t *testing.T) {
	for _, data := range []string{
		"", "t", "t\x00\x00\x00\x01", "t\xff\xff\xff\xff", "t\x00\x00\x00\x00j", "t\x00\x00\x00\x01s\x02idP", "t\x00\x00\x00\x01s\x02ida",
		"t\x00\x00\x00\x01s\x02idn\x09\x00\x01\x01\x01\x01\x01\x01\x01\x01\x01", "t\x00\x00\x00\x01s\x02idm\xff\xff\xff\xff",
		"t\x00\x00\x00\x01s\x05rolesl\x00\x00\x00\x01ja\x01", "t\x00\x00\x00\x01js\x01x", "t\x00\x00\x00\x01s\x01xF\x7f\xf0\x00\x00\x00\x00\x00\x00",
	} {
		err := new(GuildCreate).DecodeETF([]byte(data))
		require.ErrorIs(t, err, ErrTerm, "%q", data)
	}
	deep := strings.Repeat("t\x00\x00\x00\x01m\x00\x00\x00\x12referenced_message", MaxDepth+1) + "t\x00\x00\x00\x00"
	require.ErrorIs(t, new(MessageCreate).DecodeETF([]byte(deep)), ErrDepth)
}

// FuzzTerm holds the decoders of terms against those of JSON, by way of package etf.
func FuzzTerm(f *testing.F) {
	for _, s := range samples(f) {
		index, _ := event.Index(s.name)
		for _, c := range codecs {
			f.Add(uint8(index), term(f, c, s.data))
		}
	}
	f.Fuzz(func(t *testing.T, index uint8, data []byte) {
		compareTerm(t, event.At(int(index)%event.Count), data)
	})
}
