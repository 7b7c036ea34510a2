package mix_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/bwmarrin/discordgo"
	disgo "github.com/disgoorg/disgo/gateway"

	"github.com/discordpkg/gateway/bench/mix"
)

type dispatch struct {
	T  string
	S  uint64
	Op *int
	D  json.RawMessage
}

// TestMix checks shares and sizes, which the figures of the peers refer to.
func TestMix(t *testing.T) {
	const n = 20_000
	var bytes, messages int
	seen := make(map[string]int)
	seq := uint64(7)
	for msg := range mix.Dispatches(1, seq, n) {
		var d dispatch
		if err := json.Unmarshal(msg, &d); err != nil {
			t.Fatalf("%v in %s", err, msg)
		}
		if d.S != seq || d.Op == nil || *d.Op != 0 {
			t.Fatalf("want sequence %d and opcode 0: %s", seq, msg)
		}
		seq++
		bytes += len(msg)
		seen[d.T]++
	}
	messages = seen["MESSAGE_CREATE"]
	if mean := bytes / n; mean < mix.MeanSize*95/100 || mean > mix.MeanSize*105/100 {
		t.Errorf("%d bytes on average, want %d", mean, mix.MeanSize)
	}
	if messages < n*17/100 || messages > n*19/100 {
		t.Errorf("%d of %d are MESSAGE_CREATE, want 18 %%", messages, n)
	}
	for _, name := range mix.Names() {
		if seen[name] == 0 {
			t.Errorf("no %s", name)
		}
	}
	if len(seen) != len(mix.Names()) {
		t.Errorf("names %v, want %v", seen, mix.Names())
	}
}

// TestSeed wants the same bytes for the same seed, and others for another.
func TestSeed(t *testing.T) {
	take := func(seed uint64) (all []byte) {
		for msg := range mix.Dispatches(seed, 1, 100) {
			all = append(all, msg...)
		}
		return all
	}
	if !bytes.Equal(take(1), take(1)) {
		t.Error("one seed, two mixes")
	}
	if bytes.Equal(take(1), take(2)) {
		t.Error("two seeds, one mix")
	}
}

// TestPeers decodes every kind of event into the structs of the peers: what
// they cannot decode would cost them less, or more.
func TestPeers(t *testing.T) {
	for msg := range mix.Dispatches(1, 1, 5_000) {
		var d dispatch
		if err := json.Unmarshal(msg, &d); err != nil {
			t.Fatal(err)
		}
		if _, err := disgo.UnmarshalEventData(d.D, disgo.EventType(d.T)); err != nil {
			t.Errorf("disgo: %v in %s", err, msg)
		}
		if v := discordgoType(d.T); v == nil {
			t.Errorf("discordgo: no type for %s", d.T)
		} else if err := json.Unmarshal(d.D, v); err != nil {
			t.Errorf("discordgo: %v in %s", err, msg)
		}
	}
	if size := len(mix.GuildCreate(1, 1)); size < 50_000 || size > 90_000 {
		t.Errorf("GUILD_CREATE has %d bytes, want some 70 kB", size)
	}
	if !slices.Contains(mix.Names(), "GUILD_CREATE") {
		t.Error("no GUILD_CREATE in the mix")
	}
}

func discordgoType(name string) any {
	switch name {
	case "PRESENCE_UPDATE":
		return new(discordgo.PresenceUpdate)
	case "MESSAGE_CREATE":
		return new(discordgo.MessageCreate)
	case "TYPING_START":
		return new(discordgo.TypingStart)
	case "GUILD_MEMBER_UPDATE":
		return new(discordgo.GuildMemberUpdate)
	case "MESSAGE_REACTION_ADD":
		return new(discordgo.MessageReactionAdd)
	case "MESSAGE_UPDATE":
		return new(discordgo.MessageUpdate)
	case "VOICE_STATE_UPDATE":
		return new(discordgo.VoiceStateUpdate)
	case "MESSAGE_REACTION_REMOVE":
		return new(discordgo.MessageReactionRemove)
	case "MESSAGE_DELETE":
		return new(discordgo.MessageDelete)
	case "CHANNEL_UPDATE":
		return new(discordgo.ChannelUpdate)
	case "THREAD_UPDATE":
		return new(discordgo.ThreadUpdate)
	case "GUILD_CREATE":
		return new(discordgo.GuildCreate)
	}
	return nil
}
