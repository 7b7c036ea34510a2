package readme

import (
	"context"
	"fmt"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// sing plays a file in a voice channel. The handler of the shard gives its events to
// voice.HandleEvent; voice is made by voiceshard.New(shard, 0).
func sing(ctx context.Context, voice *voiceshard.Voice, guild, channel snowflake.ID, name string) error {
	session, err := voice.Join(ctx, guild, channel) // returns when audio can flow
	if err != nil {
		return err
	}
	file, err := audio.Open(name) // Ogg, WebM, DCA
	if err != nil {
		return err
	}
	defer file.Close()
	player, err := session.Play(ctx, file) // pause, resume, seek, position
	if err != nil {
		return err
	}
	if err := player.Wait(ctx); err != nil {
		return err
	}
	return session.Leave(ctx)
}

// listen prints who speaks.
func listen(ctx context.Context, session *voiceshard.Session) error {
	for {
		packet, err := session.Receive(ctx) // who, what, and what became of it
		if err != nil {
			return err
		}
		fmt.Println(packet.User, len(packet.Opus), packet.Verdict)
	}
}
