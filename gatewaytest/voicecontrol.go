package gatewaytest

import (
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
)

// A voiceRequest is what POST /voice of the control handler takes.
type voiceRequest struct {
	Server  string               `json:"server"`
	Guild   snowflake.ID         `json:"guild_id"`
	User    snowflake.ID         `json:"user_id"`
	Channel snowflake.ID         `json:"channel_id"`
	Mute    *bool                `json:"mute"`
	Deaf    *bool                `json:"deaf"`
	Close   closecode.Voice      `json:"close"`
	Cut     bool                 `json:"cut"`
	Stall   string               `json:"stall"`
	Network *voiceserver.Network `json:"network"`
}

func (s *Server) controlVoice(r voiceRequest) (any, error) {
	switch {
	case r.Server == "move":
		return struct{}{}, s.MoveVoice()
	case r.Server == "stop":
		return struct{}{}, s.StopVoice()
	case r.Server != "":
		return nil, fmt.Errorf("gatewaytest: voice server %q is neither move nor stop", r.Server)
	case r.Mute != nil || r.Deaf != nil:
		return struct{}{}, s.MuteMember(r.Guild, r.User, r.Mute != nil && *r.Mute, r.Deaf != nil && *r.Deaf)
	case r.Guild != 0:
		return struct{}{}, s.MoveMember(r.Guild, r.User, r.Channel)
	}
	return s.controlVoiceFault(r)
}

var errNoVoiceRequest = errors.New("gatewaytest: voice request without anything to do")

func (s *Server) controlVoiceFault(r voiceRequest) (any, error) {
	voice := s.Voice()
	if voice == nil {
		return nil, errNoVoiceServer
	}
	n := 0
	switch {
	case r.Close != 0:
		if !world.Sendable(closecode.Type(r.Close)) {
			return nil, fmt.Errorf("gatewaytest: close code %d cannot be sent", r.Close)
		}
		n = voice.Faults().Close(r.User, r.Close)
	case r.Cut:
		n = voice.Faults().Cut(r.User)
	case r.Stall != "":
		d, err := time.ParseDuration(r.Stall)
		if err != nil {
			return nil, fmt.Errorf("gatewaytest: stall: %w", err)
		}
		n = voice.Faults().Stall(r.User, d)
	case r.Network != nil:
		voice.Faults().SetNetwork(*r.Network, named(r.User)...)
	default:
		return nil, errNoVoiceRequest
	}
	return map[string]int{"connections": n}, nil
}

// named returns the user as a list, which is empty for zero.
func named(user snowflake.ID) []snowflake.ID {
	if user == 0 {
		return nil
	}
	return []snowflake.ID{user}
}
