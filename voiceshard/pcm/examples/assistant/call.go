package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// run lets an assistant talk with a user in a local Discord: the user says
// something, the assistant begins a long answer, the user interrupts it.
func run(ctx context.Context, log io.Writer) (err error) {
	discord := gatewaytest.NewServer(gatewaytest.WithToken("assistant", "user"), gatewaytest.WithGuilds(1, 2),
		gatewaytest.WithIdentifyInterval(0), gatewaytest.WithVoiceServer())
	defer discord.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	bot, leave, err := enter(ctx, discord, "assistant")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	user, leaveUser, err := enter(ctx, discord, "user")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leaveUser()) }()

	a := &assistant{recognize: standIn, synthesize: tones, log: log, answer: func(text string) string {
		return "that was " + text + ", and now for a very long answer that is hardly ever heard to its end because it goes on and on"
	}}
	talking, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.talk(talking, bot) }()
	heard, err := interrupt(ctx, user)
	fmt.Fprintf(log, "the user heard %v of the answer\n", heard.Round(100*time.Millisecond))
	end()
	if e := <-done; err == nil && !errors.Is(e, context.Canceled) {
		err = e
	}
	return err
}

// interrupt says something, listens to the answer for a second, speaks again, and
// returns how much of the answer came until it had stopped.
func interrupt(ctx context.Context, user *voiceshard.Session) (heard time.Duration, err error) {
	speak := func() error {
		e, err := pcm.NewEncoder(pcm.Sweep(200, 800, 0.4, 800*time.Millisecond), pcm.EncoderConfig{})
		if err != nil {
			return err
		}
		_, err = user.Play(ctx, e)
		return err
	}
	r, err := pcm.NewReceiver(user, pcm.ReceiverConfig{})
	if err != nil {
		return 0, err
	}
	if err := speak(); err != nil {
		return 0, err
	}
	again := false
	for {
		c, err := r.Next(ctx)
		if err != nil {
			return heard, err
		}
		if c.Kind == pcm.Stopped && again {
			return heard, nil
		}
		heard += time.Duration(len(c.PCM)/pcm.Channels) * time.Second / pcm.Rate
		if heard > time.Second && !again {
			again = true
			if err := speak(); err != nil {
				return heard, err
			}
		}
	}
}

// enter joins the first voice channel.
func enter(ctx context.Context, discord *gatewaytest.Server, token string) (s *voiceshard.Session, leave func() error, err error) {
	var voice *voiceshard.Voice
	channels := make(chan [2]snowflake.ID, 1)
	handle := func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		if name == event.GuildCreate {
			findChannel(data, channels)
		}
		voice.HandleEvent(name, data)
	}
	shard, err := gatewayshard.NewShard(0, token, handle, gateway.WithURL(discord.GatewayURL+"/?v=10&encoding=json"),
		gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates))
	if err != nil {
		return nil, nil, err
	}
	if voice, err = voiceshard.New(shard, 0, voiceshard.WithTLS(discord.TLSClientConfig())); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- shard.Run(context.WithoutCancel(ctx)) }()
	leave = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return errors.Join(voice.Close(ctx), shard.Close(ctx, gatewayshard.EndSession), <-ended)
	}
	select {
	case c := <-channels:
		if s, err = voice.Join(ctx, c[0], c[1]); err == nil {
			return s, leave, nil
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return nil, nil, errors.Join(err, leave())
}

func findChannel(data []byte, found chan<- [2]snowflake.ID) {
	var g struct {
		ID       snowflake.ID
		Channels []struct {
			ID   snowflake.ID
			Type int
		}
	}
	if json.Unmarshal(data, &g) != nil {
		return
	}
	for _, c := range g.Channels {
		if c.Type == 2 {
			select {
			case found <- [2]snowflake.ID{g.ID, c.ID}:
			default:
			}
		}
	}
}
