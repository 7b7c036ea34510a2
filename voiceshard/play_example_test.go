package voiceshard_test

import (
	"context"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// Play a file with a progress bar, and interrupt it.
func ExampleSession_Play() {
	ctx := context.Background()
	var session *voiceshard.Session // from Voice.Join

	music, err := audio.Open("music.opus")
	if err != nil {
		fmt.Println(err)
		return
	}
	player, err := session.Play(ctx, music, voiceshard.WithClose())
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 10 {
		length, _ := player.Length()
		fmt.Printf("\r%v of %v", player.Position().Round(time.Second), length.Round(time.Second))
		time.Sleep(time.Second)
	}

	player.Pause() // somebody else may play now
	if jingle, err := audio.Open("jingle.opus"); err == nil {
		if p, err := session.Play(ctx, jingle, voiceshard.WithClose()); err == nil {
			_ = p.Wait(ctx)
		}
	}
	if err := player.Resume(); err != nil {
		fmt.Println(err)
		return
	}
	if err := player.Seek(ctx, time.Minute); err != nil {
		fmt.Println(err)
	}
	fmt.Println(player.Wait(ctx))
}
