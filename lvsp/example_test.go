package lvsp_test

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway/lvsp"
)

// voiceServer is a Host that lets everybody in.
type voiceServer struct{ key lvsp.TokenKey }

func (voiceServer) AssignChannel(_ time.Time, _ lvsp.Ticket, c lvsp.Channel) (lvsp.Assignment, error) {
	fmt.Println("channel", c.ID, "of guild", c.Guild)
	return lvsp.Assignment{Endpoint: "voice.example:443"}, nil
}

func (h voiceServer) CreateVoiceState(now time.Time, _ lvsp.Ticket, v lvsp.VoiceState) (lvsp.Voice, error) {
	fmt.Println("user", v.User, "joins", v.Channel)
	return lvsp.Voice{Token: h.key.Issue(v.Channel, v.User, v.SessionID, now.Add(time.Hour)), Endpoint: "voice.example:443"}, nil
}

func (voiceServer) UpdateVoiceState(_ time.Time, v lvsp.VoiceState) error {
	fmt.Println("user", v.User, "is muted:", v.Flags&lvsp.Mute != 0)
	return nil
}

func (voiceServer) DestroyVoiceState(_ time.Time, v lvsp.VoiceState, why lvsp.Reason) {
	fmt.Println("user", v.User, "goes:", why)
}

func (voiceServer) UpdateChannel(time.Time, lvsp.Channel) error           { return nil }
func (voiceServer) DestroyChannel(time.Time, lvsp.Channel)                {}
func (voiceServer) Health(time.Time) float64                              { return 1 }
func (voiceServer) Refused(_ time.Time, _ string, err *lvsp.RequestError) { fmt.Println(err) }

// A backend and a voice server in one process: frames are handed over where a
// shell has websockets.
func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	secret := []byte("at least 32 bytes that nobody else knows")

	key, _ := lvsp.NewTokenKey(secret)
	server, err := lvsp.NewServer(voiceServer{key}, lvsp.WithBackend(lvsp.Backend{Name: "main", Secret: secret}))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := lvsp.NewClient(secret)
	if err != nil {
		fmt.Println(err)
		return
	}

	link := server.Accept(now)
	client.Connected(now)
	exchange := func() {
		for moved := true; moved; {
			moved = false
			for f, ok := client.Next(); ok; f, ok = client.Next() {
				link.Receive(now, f.Data)
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
