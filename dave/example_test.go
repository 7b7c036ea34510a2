package dave_test

import (
	"fmt"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// Two clients and the voice server's half, without a network between them.
func Example() {
	const channel = 4242
	now := time.Now()
	server, _ := dave.NewDelivery(channel)
	clients := make(map[snowflake.ID]*dave.Session)

	// What the server wants to be sent goes to the clients, and their replies
	// to the server, until there is nothing left to say.
	var deliver func(out []dave.Outgoing)
	tell := func(user snowflake.ID, m gateway.VoiceMessage) {
		replies, err := clients[user].HandleVoice(now, m)
		if err != nil {
			fmt.Println(err)
		}
		for _, r := range replies {
			out, err := server.HandleVoice(now, user, r)
			if err != nil {
				fmt.Println(err)
			}
			deliver(out)
		}
	}
	var queue []dave.Outgoing
	deliver = func(out []dave.Outgoing) { queue = append(queue, out...) }

	for _, user := range []snowflake.ID{1, 2} {
		clients[user], _ = dave.NewSession(user, channel)
		version, out, _ := server.Join(now, user, clients[user].MaxProtocolVersion())
		for other := range clients {
			tell(other, gateway.VoiceMessage{Op: opcode.VoiceClientsConnect, Data: []byte(`{"user_ids":["1","2"]}`)})
		}
		tell(user, gateway.VoiceMessage{
			Op:   opcode.VoiceSessionDescription,
			Data: fmt.Appendf(nil, `{"dave_protocol_version":%d}`, version),
		})
		deliver(out)
		for len(queue) > 0 {
			next := queue[0]
			queue = queue[1:]
			tell(next.To, next.Message)
		}
	}

	fmt.Println("same privacy code:", clients[1].PrivacyCode() == clients[2].PrivacyCode())
	frame, _ := clients[1].EncryptFrame(now, nil, []byte("an Opus packet"), dave.Opus)
	packet, _ := clients[2].DecryptFrame(now, 1, nil, frame)
	fmt.Printf("%d bytes, %q\n", len(frame), packet)
	// Output:
	// same privacy code: true
	// 26 bytes, "an Opus packet"
}
