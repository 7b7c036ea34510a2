package readme

import (
	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/discord"
)

// describe reads the data of a MESSAGE_CREATE.
func describe(data gateway.RawMessage) (string, error) {
	message, err := gateway.Decode[discord.MessageCreate](data) // any struct will do; those of discord are the quickest
	if err != nil {
		return "", err
	}
	text := message.Content
	if nick := message.Member.Value.Nick; nick.IsSet() { // absent, null and a value are three things
		text += " by " + nick.Value
	}
	for _, component := range message.Components {
		switch component.(type) { // *discord.ActionRow, *discord.Section, *discord.Unknown, ...
		case *discord.ActionRow:
			text += " with buttons"
		}
	}
	return text, nil
}
