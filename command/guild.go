package command

import (
	"encoding/json"
	"fmt"

	"github.com/discordpkg/gateway/snowflake"
)

// A SoundboardSoundsRequest asks for the soundboard sounds of guilds. A
// SOUNDBOARD_SOUNDS event follows for each of them.
//
// https://discord.com/developers/docs/events/gateway-events#request-soundboard-sounds
type SoundboardSoundsRequest struct {
	GuildIDs []snowflake.ID `json:"guild_ids"`
}

// Command returns [RequestSoundboardSounds].
func (SoundboardSoundsRequest) Command() Type { return RequestSoundboardSounds }

// Validate returns an [*InvalidError] unless there is at least one guild.
func (r SoundboardSoundsRequest) Validate() error {
	if len(r.GuildIDs) == 0 {
		return &InvalidError{Command: RequestSoundboardSounds, Field: "guild_ids", Reason: "is empty"}
	}
	return validateIDs(RequestSoundboardSounds, "guild_ids", r.GuildIDs)
}

// ChannelField names data of channels that is sent on request only.
type ChannelField string

const (
	ChannelStatus         ChannelField = "status"           // the status text of voice channels
	ChannelVoiceStartTime ChannelField = "voice_start_time" // when the voice session began
)

// A ChannelInfoRequest asks for ephemeral data of the channels of a guild. A
// CHANNEL_INFO event follows.
//
// https://discord.com/developers/docs/events/gateway-events#request-channel-info
type ChannelInfoRequest struct {
	GuildID snowflake.ID   `json:"guild_id"`
	Fields  []ChannelField `json:"fields"`
}

// Command returns [RequestChannelInfo].
func (ChannelInfoRequest) Command() Type { return RequestChannelInfo }

// Validate returns an [*InvalidError] unless there is a guild and at least one
// field, all of them documented.
func (r ChannelInfoRequest) Validate() error {
	if r.GuildID == 0 {
		return &InvalidError{Command: RequestChannelInfo, Field: "guild_id", Reason: "is missing"}
	}
	if len(r.Fields) == 0 {
		return &InvalidError{Command: RequestChannelInfo, Field: "fields", Reason: "is empty"}
	}
	for i, field := range r.Fields {
		if field != ChannelStatus && field != ChannelVoiceStartTime {
			return &InvalidError{
				Command: RequestChannelInfo,
				Field:   fmt.Sprintf("fields[%d]", i),
				Reason:  fmt.Sprintf("is neither %q nor %q", ChannelStatus, ChannelVoiceStartTime),
			}
		}
	}
	return nil
}

// A VoiceState joins a voice channel, moves to another one, changes mute and deaf
// there, or leaves. VOICE_STATE_UPDATE and, on joining, VOICE_SERVER_UPDATE
// follow.
//
// https://discord.com/developers/docs/events/gateway-events#update-voice-state
type VoiceState struct {
	GuildID   snowflake.ID `json:"guild_id"`
	ChannelID snowflake.ID `json:"channel_id"` // zero, null in JSON, to leave
	SelfMute  bool         `json:"self_mute"`
	SelfDeaf  bool         `json:"self_deaf"`
}

// Command returns [UpdateVoiceState].
func (VoiceState) Command() Type { return UpdateVoiceState }

// Validate returns an [*InvalidError] unless there is a guild.
func (v VoiceState) Validate() error {
	if v.GuildID == 0 {
		return &InvalidError{Command: UpdateVoiceState, Field: "guild_id", Reason: "is missing"}
	}
	return nil
}

// unmarshal names the package in errors of encoding/json.
func unmarshal(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	return nil
}
