package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/discordpkg/gateway/lvsp"
)

// follow does what a line says. A backend would do it when a user sends opcode
// 4, and when a moderator acts.
func (b *backend) follow(line string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	ids := make([]lvsp.Snowflake, 3)
	for i, word := range words[1:min(len(words), 4)] {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			b.print(fmt.Sprintf("%q is no id", word))
			return
		}
		ids[i] = lvsp.Snowflake(n)
	}
	var err error
	switch now := time.Now(); words[0] {
	case "join":
		err = b.client.Join(now, lvsp.VoiceState{Guild: ids[0], Channel: ids[1], User: ids[2]})
	case "leave":
		err = b.client.Leave(now, ids[0], ids[1])
	case "mute":
		err = b.client.Update(now, ids[0], ids[1], lvsp.Mute)
	case "unmute":
		err = b.client.Update(now, ids[0], ids[1], 0)
	case "close":
		err = b.client.CloseChannel(now, ids[0])
	default:
		b.print("join GUILD CHANNEL USER, leave GUILD USER, mute GUILD USER, unmute GUILD USER, close CHANNEL")
	}
	if err != nil {
		b.print(err.Error())
	}
}
