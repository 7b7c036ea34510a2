package typed

import (
	"bytes"
	"encoding/json"
	"testing"

	disgo "github.com/disgoorg/disgo/gateway"
	goccy "github.com/goccy/go-json"

	"github.com/discordpkg/gateway/bench/mix"
	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
)

// A dispatch is one of the mix, its envelope taken off.
type dispatch struct {
	name event.Type
	data []byte
	term []byte // the same in ETF, as Discord writes it
}

func dispatches(tb testing.TB, n int) []dispatch {
	tb.Helper()
	var list []dispatch
	for text := range mix.Dispatches(1, 1, n) {
		var p struct {
			T event.Type
			D json.RawMessage
		}
		if err := json.Unmarshal(text, &p); err != nil {
			tb.Fatal(err)
		}
		wire, err := etf.Codec{IntegerIDs: true, AtomKeys: true}.AppendWire(nil, p.D)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, dispatch{p.T, bytes.Clone(p.D), wire[1:]})
	}
	return list
}

func BenchmarkMix(b *testing.B) {
	list := dispatches(b, 4000)
	reused := make(map[event.Type]discord.Event)
	for _, name := range mix.Names() {
		reused[event.Type(name)] = discord.New(event.Type(name))
	}
	run := func(name string, decode func(dispatch) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			start := process.CPUTime()
			for i := 0; b.Loop(); i++ {
				if err := decode(list[i%len(list)]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(process.CPUTime()-start)/float64(b.N), "cpu-ns/op")
		})
	}
	run("discord", func(d dispatch) error { _, err := discord.Decode(d.name, d.data); return err })
	run("discord reused", func(d dispatch) error { return discord.DecodeInto(reused[d.name], d.data) })
	run("discord from ETF", func(d dispatch) error { return discord.New(d.name).DecodeETF(d.term) })
	run("discord from ETF by way of JSON", func(d dispatch) error {
		text, err := etf.Codec{}.AppendJSON(nil, d.term, 1<<20)
		if err != nil {
			return err
		}
		return discord.New(d.name).DecodeJSON(text)
	})
	run("discord by encoding json", func(d dispatch) error { return json.Unmarshal(d.data, discord.New(d.name)) })
	run("discordgo", func(d dispatch) error { return json.Unmarshal(d.data, theirType(d.name)) })
	run("discordgo by goccy", func(d dispatch) error { return goccy.Unmarshal(d.data, theirType(d.name)) })
	run("disgo", func(d dispatch) error {
		_, err := disgo.UnmarshalEventData(d.data, disgo.EventType(d.name))
		return err
	})
}

// lean is what a bot often takes of a message, as the sketch of this package had it.
type lean struct {
	ID        string `json:"id"`
	ChannelID string `json:"channel_id"`
	GuildID   string `json:"guild_id"`
	Content   string `json:"content"`
	Timestamp string `json:"timestamp"`
	Type      int    `json:"type"`
	Author    struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Bot      bool   `json:"bot"`
	} `json:"author"`
	Member struct {
		Roles []string `json:"roles"`
		Nick  string   `json:"nick"`
	} `json:"member"`
	Mentions []struct {
		ID string `json:"id"`
	} `json:"mentions"`
	Embeds []struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Fields      []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"fields"`
	} `json:"embeds"`
}

// BenchmarkMessage reads one message of some 1.9 kB.
func BenchmarkMessage(b *testing.B) {
	var message []byte
	for _, d := range dispatches(b, 4000) {
		if d.name == event.MessageCreate && len(d.data) >= 1850 && len(d.data) <= 2000 && bytes.Contains(d.data, []byte(`"fields"`)) {
			message = d.data
			break
		}
	}
	if message == nil {
		b.Fatal("the mix has no such message")
	}
	var reused discord.MessageCreate
	for _, c := range []struct {
		name   string
		decode func() error
	}{
		{"discord", func() error { return new(discord.MessageCreate).DecodeJSON(message) }},
		{"discord reused", func() error { return discord.DecodeInto(&reused, message) }},
		{"lean by goccy", func() error { return goccy.Unmarshal(message, new(lean)) }},
		{"lean by encoding json", func() error { return json.Unmarshal(message, new(lean)) }},
		{"discordgo", func() error { return json.Unmarshal(message, theirType(event.MessageCreate)) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			start := process.CPUTime()
			for b.Loop() {
				if err := c.decode(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(process.CPUTime()-start)/float64(b.N), "cpu-ns/op")
		})
	}
}
