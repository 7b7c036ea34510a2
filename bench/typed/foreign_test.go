package typed

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	disgo "github.com/disgoorg/disgo/gateway"

	"github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/event"
)

// accepted reads every event of the samples with another library, as it came and as
// this one writes it. What the library reads of the former it must read of the latter;
// some of the samples are newer than the libraries, which fail, or panic.
func accepted(t *testing.T, least int, read func(name event.Type, data []byte) error) {
	t.Helper()
	text, err := os.ReadFile("../../discord/testdata/events.txt")
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		words := strings.SplitN(line, " ", 3)
		name, data := event.Type(words[0]), []byte(words[2])
		e, err := discord.Decode(name, data)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if before := outcome(read, name, data); before != nil {
			t.Logf("%s %s: not read as it came: %v", name, words[1], before)
			continue
		}
		taken++
		if after := outcome(read, name, ours); after != nil {
			t.Errorf("%s %s: %v", name, words[1], after)
		}
	}
	if taken < least {
		t.Errorf("%d samples were read, want %d", taken, least)
	}
}

func outcome(read func(event.Type, []byte) error, name event.Type, data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return read(name, data)
}

func TestDiscordgoReads(t *testing.T) {
	accepted(t, 134, func(name event.Type, data []byte) error {
		into := theirType(name)
		if into == nil {
			return fmt.Errorf("no type for %s", name)
		}
		return json.Unmarshal(data, into)
	})
}

func TestDisgoReads(t *testing.T) {
	accepted(t, 162, func(name event.Type, data []byte) error {
		_, err := disgo.UnmarshalEventData(data, disgo.EventType(name))
		return err
	})
}
