package typed

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/bwmarrin/discordgo"
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

// theirs makes a value of discordgo for an event.
func theirs(name event.Type) any {
	switch name {
	case event.PresenceUpdate:
		return new(discordgo.PresenceUpdate)
	case event.MessageCreate:
		return new(discordgo.MessageCreate)
	case event.TypingStart:
		return new(discordgo.TypingStart)
	case event.GuildMemberUpdate:
		return new(discordgo.GuildMemberUpdate)
	case event.MessageReactionAdd:
		return new(discordgo.MessageReactionAdd)
	case event.MessageUpdate:
		return new(discordgo.MessageUpdate)
	case event.VoiceStateUpdate:
		return new(discordgo.VoiceStateUpdate)
	case event.MessageReactionRemove:
		return new(discordgo.MessageReactionRemove)
	case event.MessageDelete:
		return new(discordgo.MessageDelete)
	case event.ChannelUpdate:
		return new(discordgo.ChannelUpdate)
	case event.ThreadUpdate:
		return new(discordgo.ThreadUpdate)
	case event.GuildCreate:
		return new(discordgo.GuildCreate)
	}
	panic(name)
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
	run("discordgo", func(d dispatch) error { return json.Unmarshal(d.data, theirs(d.name)) })
	run("discordgo by goccy", func(d dispatch) error { return goccy.Unmarshal(d.data, theirs(d.name)) })
	run("disgo", func(d dispatch) error {
		_, err := disgo.UnmarshalEventData(d.data, disgo.EventType(d.name))
		return err
	})
}
