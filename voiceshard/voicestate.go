package voiceshard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/snowflake"
)

// HandleEvent takes an event of the main gateway. It needs VOICE_STATE_UPDATE
// and VOICE_SERVER_UPDATE; with READY it also asks Discord for the voice
// channels again that a new session of the main gateway has lost. Other events
// are ignored, so that a handler may pass on everything.
//
// It never blocks and keeps nothing of data.
func (v *Voice) HandleEvent(name event.Type, data []byte) {
	var err error
	v.askUser()
	switch name {
	case event.VoiceStateUpdate:
		err = v.handleState(data)
	case event.VoiceServerUpdate:
		err = v.handleServer(data)
	case event.Ready:
		err = v.handleReady(data)
	}
	if err != nil {
		v.config.log.Warn("event makes no sense", "event", string(name), "err", err)
	}
}

func (v *Voice) handleState(data []byte) error {
	user, _ := v.self()
	var digits [20]byte
	// Most voice states are about others.
	if user == 0 || !bytes.Contains(data, strconv.AppendUint(digits[:0], uint64(user), 10)) {
		return nil
	}
	var state lifecycle.VoiceState
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	if s := v.Session(state.GuildID); s != nil && state.UserID == user {
		s.handleState(state)
	}
	return nil
}

func (v *Voice) handleServer(data []byte) error {
	var server lifecycle.VoiceServer
	if err := json.Unmarshal(data, &server); err != nil {
		return err
	}
	if s := v.Session(server.GuildID); s != nil {
		s.input(func(now time.Time) { s.life.HandleServer(now, server) })
	}
	return nil
}

// handleReady asks for the channels again that the shard of the event had.
func (v *Voice) handleReady(data []byte) error {
	var ready struct {
		User   struct{ ID snowflake.ID }   `json:"user"`
		Guilds []struct{ ID snowflake.ID } `json:"guilds"`
	}
	if err := json.Unmarshal(data, &ready); err != nil {
		return err
	}
	v.learnUser(ready.User.ID)
	for _, g := range ready.Guilds {
		if s := v.Session(g.ID); s != nil {
			s.input(s.life.HandleGateway)
		}
	}
	return nil
}

// learnUser notes the id of the bot.
func (v *Voice) learnUser(user snowflake.ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.user == 0 && user != 0 {
		v.user = user
		close(v.known)
	}
}

// askUser asks the main gateway who the bot is, if that is not known: a
// session that is resumed does not tell it again.
func (v *Voice) askUser() {
	select {
	case <-v.known:
		return
	default:
	}
	if gw, ok := v.gw.(interface{ UserID() snowflake.ID }); ok {
		v.learnUser(gw.UserID())
	}
}

// awaitUser waits until the id of the bot is known.
func (v *Voice) awaitUser(ctx context.Context) error {
	v.askUser()
	select {
	case <-v.known:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("voiceshard: join: %w: %w", errNoUser, context.Cause(ctx))
	}
}

// self returns the id of the bot, zero if it is not known yet.
func (v *Voice) self() (user snowflake.ID, closed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.user, v.closed
}

// handleState takes what the main gateway says about the bot.
func (s *Session) handleState(v lifecycle.VoiceState) {
	moved := false
	s.input(func(now time.Time) {
		before := s.life.Channel()
		s.life.HandleState(now, v)
		moved = s.life.Channel() != before && v.ChannelID != 0
	})
	if moved {
		s.emit(Event{Kind: EventMoved, Channel: v.ChannelID})
	}
}
