package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// guild returns a guild of the session's shard, nil and a violation for others.
func (c *Conn) guild(now time.Time, id snowflake.ID) *Guild {
	g := c.w.byID[id]
	if g == nil || !c.session.shard.owns(uint64(id)) {
		c.w.violation(now, c, 0, "not a guild of this shard: "+id.String())
		return nil
	}
	return g
}

// handlePresence tells those who want to know.
//
// https://discord.com/developers/docs/events/gateway-events#update-presence
func (c *Conn) handlePresence(now time.Time, data []byte) {
	var p struct {
		Status     string            `json:"status"`
		Activities []json.RawMessage `json:"activities"`
	}
	if err := json.Unmarshal(data, &p); err != nil {
		c.fail(now, closecode.DecodeError, "presence update: "+err.Error())
		return
	}
	if !slices.Contains([]string{"online", "dnd", "idle", "invisible", "offline"}, p.Status) {
		c.fail(now, closecode.DecodeError, "presence update: unknown status")
		return
	}
	activities, err := json.Marshal(append([]json.RawMessage{}, p.Activities...))
	if err != nil {
		c.fail(now, closecode.DecodeError, "presence update: "+err.Error())
		return
	}
	seen := p.Status
	if seen == "invisible" {
		seen = "offline"
	}
	for g := range c.w.guildsOf(c.session.shard) {
		d := delivery{w: c.w, now: now, name: event.PresenceUpdate}
		d.data = fmt.Appendf(nil, `{"user":{"id":"%d"},"guild_id":"%d","status":%q,"activities":%s,"client_status":{"web":%q}}`,
			c.session.user(), g.ID, seen, activities, seen)
		d.deliver(ToGuild(g.ID))
	}
}

// chunkSize is how many members go into one GUILD_MEMBERS_CHUNK.
const chunkSize = 1000

// handleGuildMembers answers with chunks, or with RATE_LIMITED.
//
// https://discord.com/developers/docs/events/gateway-events#request-guild-members
func (c *Conn) handleGuildMembers(now time.Time, data []byte) {
	var r command.GuildMembersRequest
	if err := json.Unmarshal(data, &r); err != nil {
		c.fail(now, closecode.DecodeError, "request guild members: "+err.Error())
		return
	}
	g := c.guild(now, r.GuildID)
	if g == nil {
		return
	}
	if len(r.Nonce) > command.MaxNonce {
		c.w.violation(now, c, 0, "nonce of more than 32 bytes")
		r.Nonce = ""
	}
	whole := r.UserIDs == nil && r.Query == ""
	if whole && !c.session.intents.Has(intent.GuildMembers) {
		c.w.violation(now, c, 0, "all members requested without the intent GUILD_MEMBERS")
		return
	}
	if whole && r.Limit == 0 && !c.takeWhole(now, g, r.Nonce) {
		return
	}
	if r.Presences && !c.session.intents.Has(intent.GuildPresences) {
		r.Presences = false
	}
	found, missing := g.search(r)
	c.sendChunks(now, g, r, found, missing)
}

// takeWhole reports whether all members of g may be requested, and says when
// they may be if not.
//
// https://discord.com/developers/docs/events/gateway-events#rate-limited
func (c *Conn) takeWhole(now time.Time, g *Guild, nonce string) bool {
	last, seen := c.w.wholes[placeKey{g.ID, c.session.user()}]
	if left := c.w.cfg.wholes - now.Sub(last); seen && left > 0 {
		b := fmt.Appendf(nil, `{"opcode":%d,"retry_after":%.3f,"meta":{"guild_id":"%d"`, opcode.RequestGuildMembers, left.Seconds(), g.ID)
		if nonce != "" {
			b = fmt.Appendf(b, `,"nonce":%s`, jsonString(nonce))
		}
		c.w.dispatch(now, c.session, event.RateLimited, append(b, "}}"...))
		return false
	}
	c.w.wholes[placeKey{g.ID, c.session.user()}] = now
	return true
}

// search returns the members asked for, and the ids that are none.
func (g *Guild) search(r command.GuildMembersRequest) (found []int, missing []snowflake.ID) {
	if r.UserIDs != nil {
		for _, id := range r.UserIDs[:min(len(r.UserIDs), command.MaxMembers)] {
			if n, ok := g.memberIndex(id); ok {
				found = append(found, n)
			} else {
				missing = append(missing, id)
			}
		}
		return found, missing
	}
	limit := int(min(r.Limit, MaxMembers))
	if r.Query != "" {
		limit = min(max(1, limit), command.MaxMembers)
	} else if limit == 0 {
		limit = g.Members
	}
	query := strings.ToLower(r.Query)
	for n := 0; n < g.Members && len(found) < limit; n++ {
		if query == "" || strings.HasPrefix(g.username(n), query) {
			found = append(found, n)
		}
	}
	return found, nil
}

func (c *Conn) sendChunks(now time.Time, g *Guild, r command.GuildMembersRequest, found []int, missing []snowflake.ID) {
	s, count := c.session, max(1, (len(found)+chunkSize-1)/chunkSize)
	for i := range count {
		part := found[i*chunkSize : min((i+1)*chunkSize, len(found))]
		b := fmt.Appendf(nil, `{"guild_id":"%d","chunk_index":%d,"chunk_count":%d`, g.ID, i, count)
		if r.Nonce != "" {
			b = fmt.Appendf(b, `,"nonce":%s`, jsonString(r.Nonce))
		}
		if len(missing) > 0 {
			ids, _ := json.Marshal(missing)
			b = fmt.Appendf(b, `,"not_found":%s`, ids)
		}
		b = appendList(append(b, `,"members":`...), part, g.appendMember)
		if r.Presences {
			b = appendList(append(b, `,"presences":`...), part, g.appendPresence)
		}
		c.w.dispatch(now, s, event.GuildMembersChunk, append(b, '}'))
	}
}

// appendList appends a JSON array of what one makes of each number.
func appendList(b []byte, numbers []int, one func(b []byte, n int) []byte) []byte {
	b = append(b, '[')
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, n)
	}
	return append(b, ']')
}

// handleSoundboardSounds answers for each guild.
//
// https://discord.com/developers/docs/events/gateway-events#request-soundboard-sounds
func (c *Conn) handleSoundboardSounds(now time.Time, data []byte) {
	var r command.SoundboardSoundsRequest
	if err := json.Unmarshal(data, &r); err != nil {
		c.fail(now, closecode.DecodeError, "request soundboard sounds: "+err.Error())
		return
	}
	s := c.session
	for _, id := range r.GuildIDs {
		if s != c.session { // a fault took it away
			return
		}
		if g := c.guild(now, id); g != nil {
			c.w.dispatch(now, s, event.SoundboardSounds, fmt.Appendf(nil,
				`{"guild_id":"%d","soundboard_sounds":[{"name":"airhorn","sound_id":"%d","volume":1.0,"emoji_id":null,"emoji_name":null,"guild_id":"%d","available":true}]}`,
				id, id+100, id))
		}
	}
}

// handleChannelInfo answers with what is known of the voice channels.
//
// https://discord.com/developers/docs/events/gateway-events#request-channel-info
func (c *Conn) handleChannelInfo(now time.Time, data []byte) {
	var r command.ChannelInfoRequest
	if err := json.Unmarshal(data, &r); err != nil {
		c.fail(now, closecode.DecodeError, "request channel info: "+err.Error())
		return
	}
	g := c.guild(now, r.GuildID)
	if g == nil {
		return
	}
	one := func(b []byte, n int) []byte {
		b = fmt.Appendf(b, `{"id":"%d"`, g.VoiceChannel(n))
		if slices.Contains(r.Fields, command.ChannelStatus) {
			b = append(b, `,"status":null`...)
		}
		if slices.Contains(r.Fields, command.ChannelVoiceStartTime) {
			b = append(b, `,"voice_start_time":null`...)
		}
		return append(b, '}')
	}
	b := appendList(fmt.Appendf(nil, `{"guild_id":"%d","channels":`, g.ID), []int{0, 1}, one)
	c.w.dispatch(now, c.session, event.ChannelInfo, append(b, '}'))
}
