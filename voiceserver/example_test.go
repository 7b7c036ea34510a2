package voiceserver_test

import (
	"fmt"
	"log"

	"github.com/discordpkg/gateway/voiceserver"
)

// A backend of one's own lets users into channels and says what they may do.
func Example() {
	srv, err := voiceserver.New()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	const guild, lounge, cinema, user = 1, 2, 3, 4
	// The client gets the session id with VOICE_STATE_UPDATE, the rest with VOICE_SERVER_UPDATE.
	endpoint, token, err := srv.Join(voiceserver.Member{Guild: guild, Channel: lounge, User: user, SessionID: "made by the backend"})
	fmt.Println(endpoint == srv.Endpoint(), len(token), err)

	err = srv.SetState(guild, user, voiceserver.MemberState{Mute: true})
	fmt.Println("muted:", err)

	_, another, err := srv.Move(guild, user, cinema)
	fmt.Println(token == another, len(srv.Members(lounge)), len(srv.Members(cinema)), err)

	fmt.Println("kicked:", srv.Kick(guild, user))
	// Output:
	// true 32 <nil>
	// muted: <nil>
	// false 0 1 <nil>
	// kicked: true
}
