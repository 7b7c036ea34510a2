package voiceshard_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
	"github.com/discordpkg/gateway/voiceshard"
)

// A bot joins a voice channel, says something and leaves. The handler of its
// shard passes everything on.
func Example() {
	server := gatewaytest.NewServer(gatewaytest.WithVoiceServer()) // a local Discord
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	var voice *voiceshard.Voice
	ready := make(chan struct{})
	isReady := sync.OnceFunc(func() { close(ready) })
	handler := func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		voice.HandleEvent(name, data)
		if name == event.Ready {
			isReady()
		}
	}
	shard, err := gatewayshard.NewShard(0, "token", handler,
		gateway.WithURL(server.DialURL),
		gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates),
	)
	if err != nil {
		log.Fatal(err)
	}
	voice, err = voiceshard.New(shard, 0, voiceshard.WithTLS(server.TLSClientConfig()))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		if err := shard.Run(ctx); err != nil {
			log.Print(err)
		}
	}()
	<-ready

	guild := server.Guilds()[0]
	session, err := voice.Join(ctx, guild.ID, guild.VoiceChannel(0))
	if err != nil {
		log.Fatal(err)
	}
	if err := session.Speaking(ctx, gateway.SpeakingMicrophone); err != nil {
		log.Fatal(err)
	}
	if _, err := session.Write([]byte{0xf8, 0xff, 0xfe}); err != nil {
		log.Fatal(err)
	}
	if err := session.StopSpeaking(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Phase(), session.Stats().PacketsSent)
	if err := voice.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Err())
	_ = shard.Close(ctx, gatewayshard.EndSession)
	// Output:
	// connected 1
	// voiceshard: left the channel
}

// A bot with many shards has one voice: commands find the shard of their guild.
func ExampleNew_manyShards() {
	var voice *voiceshard.Voice
	group, err := sharding.NewGroup("token", func(_ context.Context, e sharding.Event) error {
		voice.HandleEvent(e.Name, e.Data)
		return nil
	}, gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates))
	if err != nil {
		log.Fatal(err)
	}
	if voice, err = voiceshard.New(group, 0); err != nil {
		log.Fatal(err)
	}
	// go group.Run(ctx), and then voice.Join, which waits for the group as long as its context allows:

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = voice.Join(ctx, 41771983423143937, 127121515262115840)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// true
}

// Any library for the main gateway will do.
func ExampleNew_otherGateways() {
	send := func(op int, data any) error { return nil } // of that library

	voice, err := voiceshard.New(voiceshard.GatewayFunc(func(_ context.Context, v command.VoiceState) error {
		return send(4, v)
	}), 104694319306248192)
	if err != nil {
		log.Fatal(err)
	}

	onEvent := func(name string, data []byte) { voice.HandleEvent(event.Type(name), data) }
	onEvent("VOICE_STATE_UPDATE", []byte(`{}`))
	// Output:
}

// Who receives is told about every packet, those that did not come as well.
func ExampleSession_Receive() {
	listen := func(ctx context.Context, session *voiceshard.Session) error {
		for {
			p, err := session.Receive(ctx)
			if err != nil {
				return err
			}
			switch p.Verdict {
			case voiceshard.OK:
				fmt.Println(p.User, "said", len(p.Opus), "bytes")
			case voiceshard.Lost:
				fmt.Println(p.User, "said something for", p.Count, "packets")
			case voiceshard.Undecryptable:
				fmt.Println(p.User, "cannot be understood:", p.Err)
			}
		}
	}
	_ = listen
}
