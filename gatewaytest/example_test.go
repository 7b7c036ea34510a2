package gatewaytest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// A bot of a few lines, tested offline: it gets a message, loses its
// connection, and resumes without missing the next one.
func ExampleNewServer() {
	srv := gatewaytest.NewServer()
	defer srv.Close()
	guild := srv.Guilds()[0].ID

	var session gateway.Session
	for _, text := range []string{"first", "second"} {
		if _, err := srv.Dispatch(event.MessageCreate, map[string]any{"guild_id": guild, "content": text}); err != nil {
			log.Fatal(err)
		}
		session = bot(srv, session)
	}
	fmt.Println("resumes:", srv.Stats().Resumes)
	// Output:
	// READY
	// RESUMED
	// message: second
	// resumes: 1
}

// bot connects, and returns its session after a message, or when there is none.
func bot(srv *gatewaytest.Server, session gateway.Session) gateway.Session {
	state, err := gateway.NewGatewayState("token", gateway.WithURL(srv.DialURL), gateway.WithSession(session),
		gateway.WithIntents(intent.GuildMessages|intent.MessageContent))
	if err != nil {
		log.Fatal(err)
	}
	conn, early, _, err := ws.Dial(context.Background(), state.DialURL())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close() // without a close frame, the session goes on
	var in io.ReadWriter = conn
	if early != nil {
		in = struct {
			io.Reader
			io.Writer
		}{io.MultiReader(early, conn), conn}
	}
	text := wsutil.NewWriterSize(conn, ws.StateClientSide, ws.OpText, 4096)
	for {
		msg, err := wsutil.ReadServerText(in)
		if err != nil {
			log.Fatal(err)
		}
		state.Advance(time.Now())
		p, _, err := state.ProcessMessage(msg, text, io.Discard)
		if err != nil {
			log.Fatal(err)
		}
		if err := text.Flush(); err != nil {
			log.Fatal(err)
		}
		switch p.EventName {
		case event.Ready, event.Resumed:
			fmt.Println(p.EventName)
			session, _ = state.Session()
			return session
		case event.MessageCreate:
			m, err := gateway.Decode[struct{ Content string }](p.Data)
			if err != nil {
				log.Fatal(err)
			}
			defer fmt.Println("message:", m.Content)
		}
	}
}

// Twenty shards in trouble for minutes of virtual time: nothing is lost.
func ExampleSim() {
	result, err := gatewaytest.Sim{Seed: 1, Clients: 20, Dispatches: 1000}.Run()
	fmt.Println(err, result.Lost, result.Duplicated, result.Violations)
	// Output: <nil> 0 0 0
}
