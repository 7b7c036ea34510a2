package command_test

import (
	"errors"
	"fmt"

	"github.com/discordpkg/gateway/command"
)

func ExampleMarshal() {
	data, err := command.Marshal(command.GuildMembersRequest{GuildID: 41771983444115456, Query: "an", Limit: 10})
	fmt.Println(string(data), err)
	// Output: {"guild_id":"41771983444115456","query":"an","limit":10} <nil>
}

func ExampleInvalidError() {
	_, err := command.Marshal(command.Presence{Activities: []command.Activity{{Name: "live", Type: command.Streaming}}})
	fmt.Println(err)
	var invalid *command.InvalidError
	fmt.Println(errors.As(err, &invalid), invalid.Field)
	// Output:
	// command: Update Presence: activities[0].url must start with https://twitch.tv/ or https://youtube.com/ to stream
	// true activities[0].url
}
