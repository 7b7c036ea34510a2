package intent_test

import (
	"fmt"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
)

func ExampleFromGuildEvents() {
	fmt.Println(intent.FromGuildEvents(event.GuildCreate, event.ThreadMembersUpdate, event.MessageCreate, event.Ready))
	// Output: GUILDS|GUILD_MESSAGES
}

func ExampleEvents() {
	fmt.Println(intent.Events(intent.GuildMessagePolls, intent.GuildInvites))
	// Output: [INVITE_CREATE INVITE_DELETE MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE]
}

func ExampleParse() {
	intents, err := intent.Parse("guilds, guild_messages, 32768")
	fmt.Println(intents, err)
	fmt.Println("to be enabled in the Developer Portal:", intents&intent.Privileged)
	// Output:
	// GUILDS|GUILD_MESSAGES|MESSAGE_CONTENT <nil>
	// to be enabled in the Developer Portal: MESSAGE_CONTENT
}
