package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/discordpkg/gateway/snowflake"
)

const (
	// MaxNonce is the greatest length in bytes of [GuildMembersRequest.Nonce].
	MaxNonce = 32
	// MaxMembers is how many members Discord returns at most for a prefix or for
	// user ids.
	MaxMembers = 100
)

// A GuildMembersRequest asks for members of one guild. They arrive in
// GUILD_MEMBERS_CHUNK events of up to 1000 members each.
//
// With UserIDs it asks for those users, otherwise for the members whose user name
// starts with Query. Only the guild id is required: without anything else, all
// members are requested, which needs the intent GUILD_MEMBERS and which Discord
// limits, see RATE_LIMITED.
//
// https://discord.com/developers/docs/events/gateway-events#request-guild-members
type GuildMembersRequest struct {
	GuildID snowflake.ID
	// Query is the start of user names, empty for all members.
	Query string
	// Limit is the greatest number of members to send, at most [MaxMembers] with
	// a Query. Zero is no limit, which is for all members only.
	Limit uint
	// Presences asks for presences too; it needs the intent GUILD_PRESENCES and is
	// ignored without.
	Presences bool
	// UserIDs are the users to send, at most [MaxMembers]. An empty list that is
	// not nil is an error, so that a search without hits does not become a request
	// for everybody.
	UserIDs []snowflake.ID
	// Nonce comes back in the chunks: at most [MaxNonce] bytes of UTF-8.
	Nonce string
}

// Command returns [RequestGuildMembers].
func (GuildMembersRequest) Command() Type { return RequestGuildMembers }

// NeedsIntents reports which privileged intents the session must have for the
// request: GUILD_MEMBERS to list all members, GUILD_PRESENCES for presences.
func (r GuildMembersRequest) NeedsIntents() (guildMembers, guildPresences bool) {
	return r.UserIDs == nil && r.Query == "", r.Presences
}

// Validate returns an [*InvalidError] for a request that Discord would refuse or
// partly ignore.
func (r GuildMembersRequest) Validate() error {
	switch {
	case r.GuildID == 0:
		return r.invalid("guild_id", "is missing")
	case len(r.Nonce) > MaxNonce:
		return r.invalid("nonce", fmt.Sprintf("has %d bytes, at most %d are allowed", len(r.Nonce), MaxNonce))
	case !utf8.ValidString(r.Nonce):
		return r.invalid("nonce", "is not valid UTF-8, so it would not come back as it is")
	case r.UserIDs == nil:
		return r.validateQuery()
	case r.Query != "":
		return r.invalid("query", "and user_ids exclude each other")
	case len(r.UserIDs) == 0:
		return r.invalid("user_ids", "is an empty list; leave it nil to ask for all members")
	case len(r.UserIDs) > MaxMembers:
		return r.invalid("user_ids", fmt.Sprintf("has %d ids, at most %d are allowed", len(r.UserIDs), MaxMembers))
	}
	return validateIDs(RequestGuildMembers, "user_ids", r.UserIDs)
}

func (r GuildMembersRequest) validateQuery() error {
	if r.Query != "" && (r.Limit == 0 || r.Limit > MaxMembers) {
		return r.invalid("limit", fmt.Sprintf("is %d, with a query it must be between 1 and %d", r.Limit, MaxMembers))
	}
	return nil
}

func (GuildMembersRequest) invalid(field, reason string) error {
	return &InvalidError{Command: RequestGuildMembers, Field: field, Reason: reason}
}

func validateIDs(cmd Type, field string, ids []snowflake.ID) error {
	for i, id := range ids {
		if id == 0 {
			return &InvalidError{Command: cmd, Field: fmt.Sprintf("%s[%d]", field, i), Reason: "is not an id"}
		}
	}
	return nil
}

// membersJSON has pointers where the presence of a field says something.
type membersJSON struct {
	GuildID   loneID  `json:"guild_id"`
	Query     *string `json:"query,omitempty"`
	Limit     *uint   `json:"limit,omitempty"`
	Presences bool    `json:"presences,omitempty"`
	UserIDs   idList  `json:"user_ids,omitzero"`
	Nonce     string  `json:"nonce,omitempty"`
}

// MarshalJSON writes either query and limit or user_ids.
func (r GuildMembersRequest) MarshalJSON() ([]byte, error) {
	wire := membersJSON{GuildID: loneID(r.GuildID), Presences: r.Presences, UserIDs: r.UserIDs, Nonce: r.Nonce}
	if r.UserIDs == nil {
		wire.Query, wire.Limit = &r.Query, &r.Limit
	}
	return json.Marshal(wire)
}

var errNoSelection = errors.New("command: Request Guild Members: neither query nor user_ids is given")

// UnmarshalJSON wants one of query and user_ids, which may be a single id. The
// guild id may be a list of one, as older versions of the gateway had it.
func (r *GuildMembersRequest) UnmarshalJSON(b []byte) error {
	var wire membersJSON
	if err := unmarshal(b, &wire); err != nil {
		return err
	}
	if wire.Query == nil && wire.UserIDs == nil {
		return errNoSelection
	}
	*r = GuildMembersRequest{GuildID: snowflake.ID(wire.GuildID), Presences: wire.Presences, UserIDs: wire.UserIDs, Nonce: wire.Nonce}
	if wire.Query != nil {
		r.Query = *wire.Query
	}
	if wire.Limit != nil {
		r.Limit = *wire.Limit
	}
	return nil
}
