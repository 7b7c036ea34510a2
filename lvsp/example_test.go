package lvsp_test

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway/lvsp"
)

// letIn does what a voice server has to do, and lets every user in.
func letIn(now time.Time, s *lvsp.Server, key lvsp.TokenKey) {
	for t, ok := s.NextTask(); ok; t, ok = s.NextTask() {
		switch t := t.(type) {
		case lvsp.AssignChannel:
			fmt.Println("channel", t.Channel.ID, "of guild", t.Channel.Guild)
			s.ChannelAssigned(now, t.Ticket, lvsp.Assignment{Endpoint: "voice.example:443"}, nil)
		case lvsp.CreateVoiceState:
			fmt.Println("user", t.State.User, "joins", t.State.Channel)
			token := key.Issue(t.State.Channel, t.State.User, t.State.SessionID, now.Add(time.Hour))
			s.VoiceStateCreated(now, t.Ticket, lvsp.Voice{Token: token, Endpoint: "voice.example:443"}, nil)
		case lvsp.UpdateVoiceState:
			fmt.Println("user", t.State.User, "is muted:", t.State.Flags&lvsp.Mute != 0)
			s.Updated(now, t.Ticket, nil)
		case lvsp.DestroyVoiceState:
			fmt.Println("user", t.State.User, "goes:", t.Reason)
		case lvsp.UpdateChannel:
			s.Updated(now, t.Ticket, nil)
		case lvsp.RequestRefused:
			fmt.Println(t.Err)
		}
	}
}

// A backend and a voice server in one process: frames are handed over where a
// shell has websockets.
func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	secret := []byte("at least 32 bytes that no other program knows")

	key, _ := lvsp.NewTokenKey(secret)
	server, err := lvsp.NewServer(lvsp.WithBackend(lvsp.Backend{Name: "main", Secret: sealed(secret)}))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := lvsp.NewClient(sealed(secret))
	if err != nil {
		fmt.Println(err)
		return
	}

	link := server.Accept(now)
	client.Dialed(now)
	exchange := func() {
		for moved := true; moved; {
			moved = false
			for f, ok := client.Next(); ok; f, ok = client.Next() {
				link.Receive(now, f.Data)
				letIn(now, server, key)
				moved = true
			}
			for f, ok := link.Next(); ok; f, ok = link.Next() {
				client.Receive(now, f.Data)
				moved = true
			}
		}
		for e, ok := client.NextEvent(); ok; e, ok = client.NextEvent() {
			if e, ok := e.(lvsp.StateCreated); ok {
				err := key.Verify(e.Token, e.State.Channel, e.State.User, e.State.SessionID, now)
				fmt.Println("user", e.State.User, "may connect to", e.Endpoint, "with a token that is good:", err == nil)
			}
		}
	}
	exchange()

	_ = client.Join(now, lvsp.VoiceState{Guild: 20, Channel: 30, User: 1})
	exchange()
	_ = client.Update(now, 20, 1, lvsp.Mute)
	_ = client.Leave(now, 20, 1)
	exchange()
	// Output:
	// channel 30 of guild 20
	// user 1 joins 30
	// user 1 may connect to voice.example:443 with a token that is good: true
	// user 1 is muted: true
	// user 1 goes: left
}
