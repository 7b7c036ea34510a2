package gatewayshard_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"runtime"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
)

// Run does everything: it connects, resumes, and returns when the context
// ends or when Discord will not have the shard.
func ExampleShard_Run() {
	server := gatewaytest.NewServer() // a local Discord
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	handler := func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		if name != event.MessageCreate {
			return
		}
		message, err := gateway.Decode[struct{ Content string }](data)
		if err != nil {
			log.Print(err)
		}
		fmt.Println(name, message.Content)
		stop()
	}
	shard, err := gatewayshard.NewShard(0, "token", handler,
		gateway.WithURL(server.DialURL),
		gateway.WithGuildEvents(event.MessageCreate),
		gateway.WithIntents(intent.MessageContent),
	)
	if err != nil {
		log.Fatal(err)
	}
	go say(ctx, server, "hello")

	err = shard.Run(ctx)
	var fatal *gatewayshard.FatalError
	if errors.As(err, &fatal) {
		log.Fatal(fatal.Hint())
	}
	fmt.Println(err)
	// Output:
	// MESSAGE_CREATE hello
	// context canceled
}

// The helper methods of DiscordError decide when to reconnect.
func Example_canReconnect() {
	server := gatewaytest.NewServer()
	defer server.Close()

	shard, err := gatewayshard.NewShard(0, "token", nil,
		gateway.WithGuildEvents(event.All()...),
		gateway.WithDirectMessageEvents(intent.Events(intent.DirectMessageReactions)...),
		gateway.WithIdentifyConnectionProperties(&gateway.IdentifyConnectionProperties{
			OS:      runtime.GOOS,
			Browser: "github.com/discordpkg/gateway",
			Device:  "tester",
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	go interrupt(server, shard)

reconnectStage:
	if _, err := shard.Dial(context.Background(), server.DialURL); err != nil {
		log.Fatal("failed to open websocket connection. ", err)
	}
	if err = shard.EventLoop(context.Background()); !errors.Is(err, gatewayshard.ErrClosed) {
		reconnect := true

		var discordErr *gateway.DiscordError
		if errors.As(err, &discordErr) {
			reconnect = discordErr.CanReconnect()
		}
		if reconnect {
			fmt.Println("reconnecting:", discordErr) // nil when the network was lost: it answers all the same
			if err := shard.PrepareForReconnect(); err != nil {
				log.Fatal("failed to prepare for reconnect: ", err)
			}
			goto reconnectStage
		}
	}
	fmt.Println(err)
	// Output:
	// reconnecting: gateway: connection closed with 4000 (unknown error): unknown error
	// gatewayshard: shard is closed
}

// Or check the close code and the error by hand.
func Example_closeCodes() {
	server := gatewaytest.NewServer()
	defer server.Close()
	shard, err := gatewayshard.NewShard(0, "token", nil, gateway.WithIntents(intent.Guilds))
	if err != nil {
		log.Fatal(err)
	}
	go interrupt(server, shard)

reconnectStage:
	if _, err := shard.Dial(context.Background(), server.DialURL); err != nil {
		log.Fatal("failed to open websocket connection. ", err)
	}
	err = shard.EventLoop(context.Background())

	var discordErr *gateway.DiscordError
	switch {
	case errors.As(err, &discordErr):
		switch discordErr.CloseCode {
		case 4004, 4010, 4011, 4012, 4013, 4014: // it would only happen again
			log.Fatal(discordErr)
		case 4007, 4009: // will do a fresh identify
		default: // will resume; 0 is op 7 or op 9, a code that is new tomorrow is resumed, too
		}
		fmt.Println("close code", uint16(discordErr.CloseCode))
		if err := shard.PrepareForReconnect(); err != nil {
			log.Fatal("failed to prepare for reconnect: ", err)
		}
		goto reconnectStage
	case errors.Is(err, net.ErrClosed):
		// The connection was lost.
		if err := shard.PrepareForReconnect(); err != nil {
			log.Fatal("failed to prepare for reconnect: ", err)
		}
		goto reconnectStage
	}
	fmt.Println(err)
	// Output:
	// close code 4000
	// gatewayshard: shard is closed
}

// Write takes the inner object of a command as JSON. Send takes the structs of
// package command and checks them first.
func ExampleShard_Write() {
	server := gatewaytest.NewServer()
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	ready := make(chan bool, 1)
	handler := func(gateway.ShardID, event.Type, gateway.RawMessage) { ready <- true }
	shard, err := gatewayshard.NewShard(0, "token", handler,
		gateway.WithURL(server.DialURL), gateway.WithIntents(intent.Guilds), gateway.WithEvents())
	if err != nil {
		log.Fatal(err)
	}
	go shard.Run(ctx)
	<-ready

	req := fmt.Sprintf(`{"guild_id":"%s","limit":1,"query":"a"}`, server.Guilds()[0].ID)
	if err := shard.Write(ctx, command.RequestGuildMembers, []byte(req)); err != nil {
		log.Fatal("failed to request guild members: ", err)
	}
	if err := shard.Send(ctx, &command.Presence{Status: command.StatusIdle}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(shard.Close(ctx, gatewayshard.EndSession))
	// Output: <nil>
}

// RequestGuildMembers puts the chunks of the answer together.
func ExampleShard_RequestGuildMembers() {
	server := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 2500))
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	ready := make(chan bool, 1)
	handler := func(gateway.ShardID, event.Type, gateway.RawMessage) { ready <- true }
	shard, err := gatewayshard.NewShard(0, "token", handler,
		gateway.WithURL(server.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildMembers), gateway.WithEvents())
	if err != nil {
		log.Fatal(err)
	}
	go shard.Run(ctx)
	<-ready

	request := command.GuildMembersRequest{GuildID: server.Guilds()[0].ID}
	for chunk, err := range shard.RequestGuildMembers(ctx, request) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("chunk %d of %d: %d members\n", chunk.Index+1, chunk.Count, len(chunk.Members))
	}
	fmt.Println(shard.Close(ctx, gatewayshard.KeepSession))
	// Output:
	// chunk 1 of 3: 1000 members
	// chunk 2 of 3: 1000 members
	// chunk 3 of 3: 500 members
	// <nil>
}

// A handler that only queues events acknowledges them when they are dealt
// with: a session that is stored then names no event that would be lost.
func ExampleShard_Acknowledge() {
	server := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 1))
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	queue := make(chan *gateway.GatewayPayload, 100)
	config := gatewayshard.Config{
		PayloadHandler: func(_ gateway.ShardID, p *gateway.GatewayPayload) { queue <- p.Clone() },
	}
	shard, err := config.NewShard(0, "token", nil, gateway.WithURL(server.DialURL),
		gateway.WithIntents(intent.Guilds), gateway.WithManualAcknowledge())
	if err != nil {
		log.Fatal(err)
	}
	go shard.Run(ctx)

	for _, name := range []event.Type{event.Ready, event.GuildCreate} {
		p := <-queue
		fmt.Println(p.EventName == name, p.Seq)
		if name == event.Ready {
			shard.Acknowledge(p.Seq)
		}
	}
	if err := shard.Close(ctx, gatewayshard.KeepSession); err != nil {
		log.Fatal(err)
	}
	session, ok := shard.Session() // for the next process
	fmt.Println(session.Seq, ok)
	// Output:
	// true 1
	// true 2
	// 1 true
}

// say dispatches a message when the first session has started.
func say(ctx context.Context, server *gatewaytest.Server, content string) {
	if _, err := server.WaitSessions(ctx, 1); err != nil {
		log.Print(err)
		return
	}
	guild := server.Guilds()[0]
	message := map[string]any{"guild_id": guild.ID, "channel_id": guild.TextChannel(0), "content": content}
	if _, err := server.Dispatch(event.MessageCreate, message); err != nil {
		log.Print(err)
	}
}

// interrupt closes the first connection with 4000, and the shard once it has resumed.
func interrupt(server *gatewaytest.Server, shard *gatewayshard.Shard) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if _, err := server.WaitSessions(ctx, 1); err != nil {
		log.Fatal(err)
	}
	if err := server.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: 4000}); err != nil {
		log.Fatal(err)
	}
	if err := server.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Resumes == 1 }); err != nil {
		log.Fatal(err)
	}
	if err := shard.Close(ctx, gatewayshard.EndSession); err != nil {
		log.Fatal(err)
	}
}
