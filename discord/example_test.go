package discord_test

import (
	"encoding/json"
	"fmt"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/event"
)

func Example() {
	data := []byte(`{"id":"1","channel_id":"2","content":"hi","member":{"nick":null,"roles":["3"]},` +
		`"components":[{"type":10,"content":"text"},{"type":99}],"new_field":true}`)

	message, err := gateway.Decode[discord.MessageCreate](data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(message.Content, message.Member.Value.Roles, message.Member.Value.Nick.IsNull(), message.Flags)
	for _, c := range message.Components {
		switch c := c.(type) {
		case *discord.TextDisplay:
			fmt.Println("text:", c.Content)
		case *discord.Unknown:
			fmt.Println("newer than this package:", c.JSON)
		}
	}

	var mine struct {
		NewField bool `json:"new_field"`
	}
	fmt.Println(json.Unmarshal([]byte(message.Raw()), &mine), mine.NewField)
	// Output:
	// hi [3] true 0
	// text: text
	// newer than this package: {"type":99}
	// <nil> true
}

func ExampleDecode() {
	e, err := discord.Decode(event.TypingStart, []byte(`{"user_id":"1","timestamp":1714558830}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	switch e := e.(type) {
	case *discord.TypingStart:
		fmt.Println(e.UserID, e.Timestamp)
	}
	// Output: 1 1714558830
}

func ExampleStrict() {
	var e discord.MessageCreate
	fmt.Println(discord.Strict([]byte(`{"embeds":[{"fields":[{"name":1}]}]}`), &e))
	// Output: discord: MessageCreate.embeds[0].fields[0].name: number, want string
}
