package world

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/opcode"
)

// identifyData is what identify must get right. Clients put all sorts of
// things into the other fields, and Discord does not mind.
type identifyData struct {
	Token      string          `json:"token"`
	Properties json.RawMessage `json:"properties"`
	Compress   json.RawMessage `json:"compress"`
	Shard      json.RawMessage `json:"shard"`
	Intents    json.RawMessage `json:"intents"`
}

// handleIdentify starts a session, or says why not.
//
// https://discord.com/developers/docs/events/gateway-events#identify
func (c *Conn) handleIdentify(now time.Time, data []byte) {
	var d identifyData
	if err := json.Unmarshal(data, &d); err != nil {
		c.fail(now, closecode.DecodeError, "identify: "+err.Error())
		return
	}
	shard, shardOK := parseShard(d.Shard)
	var intents intent.Type
	intentsOK := len(d.Intents) > 0 && json.Unmarshal(d.Intents, &intents) == nil && intents.Valid()
	n, known := c.w.botOf(d.Token)
	switch {
	case !known:
		c.fail(now, closecode.AuthenticationFailed, "unknown token")
	case !shardOK:
		c.fail(now, closecode.InvalidShard, "shard is not [id, count] with id < count")
	case !intentsOK:
		c.fail(now, closecode.InvalidIntents, "intents are missing or have undocumented bits")
	case !c.w.cfg.intents.Has(intents):
		c.fail(now, closecode.DisallowedIntents, "intents not enabled for this bot: "+(intents&^c.w.cfg.intents).String())
	case len(c.w.guilds)/int(shard.count) > c.w.cfg.perShard:
		c.fail(now, closecode.ShardingRequired, fmt.Sprintf("%d guilds on %d shards", len(c.w.guilds), shard.count))
	default:
		if len(d.Properties) == 0 {
			c.w.violation(now, c, 0, "identify without properties")
		}
		c.start(now, &Session{token: held(bare(d.Token)), bot: n, shard: shard, intents: intents}, string(d.Compress) == "true")
	}
}

// start begins a session, unless another one began too short a time ago.
func (c *Conn) start(now time.Time, s *Session, compressed bool) {
	if breach := c.w.takeStart(now, s.bot, s.shard); breach != "" {
		c.w.violation(now, c, 0, breach)
		c.invalid(now)
		return
	}
	if compressed {
		c.compressPayloads()
	}
	c.w.stats.Identifies++
	c.w.add(s)
	c.attach(s)
	c.w.dispatch(now, s, event.Ready, c.w.readyData(s))
	for g := range c.w.guildsOf(s.shard) {
		// A fault may take the session away.
		if s.intents.Has(intent.Guilds) && c.session == s {
			members := s.intents.Has(intent.GuildPresences)
			c.w.dispatch(now, s, event.GuildCreate, g.appendGuild(nil, view{self: s.bot, members: members, presences: members, voice: c.w.voiceStates(g)}))
		}
	}
}

func (c *Conn) attach(s *Session) {
	c.session, s.conn = s, c
	c.phase = phase.Active
}

// invalid answers with op 9, d=false. The connection stays open.
func (c *Conn) invalid(now time.Time) {
	c.w.stats.Invalid++
	c.control(now, opcode.InvalidSession, []byte("false"))
}

// handleResume continues a session.
//
// https://discord.com/developers/docs/events/gateway#resuming
func (c *Conn) handleResume(now time.Time, data []byte) {
	var d struct {
		Token     string `json:"token"`
		SessionID string `json:"session_id"`
		Seq       *int64 `json:"seq"`
	}
	if err := json.Unmarshal(data, &d); err != nil || d.Seq == nil {
		c.fail(now, closecode.DecodeError, "resume is not an object with token, session_id and seq")
		return
	}
	if _, known := c.w.botOf(d.Token); !known {
		c.fail(now, closecode.AuthenticationFailed, "unknown token")
		return
	}
	s := c.w.find(now, d.SessionID)
	if s == nil || s.token() != bare(d.Token) {
		c.invalid(now)
		return
	}
	if *d.Seq < 0 || *d.Seq > s.seq {
		c.fail(now, closecode.InvalidSeq, fmt.Sprintf("resume at %d of %d", *d.Seq, s.seq))
		c.w.drop(s, endedBySeq)
		return
	}
	missed, ok := s.buffer.after(*d.Seq, s.seq)
	if !ok {
		c.w.drop(s, endedByReplay)
		c.invalid(now)
		return
	}
	c.resume(now, s, missed)
}

func (c *Conn) resume(now time.Time, s *Session, missed []replayEntry) {
	if old := s.conn; old != nil {
		old.detach(now)
		old.close(now, closecode.UnknownError, "session resumed elsewhere")
	}
	c.w.stats.Resumes++
	c.attach(s)
	for _, e := range missed {
		if c.session != s { // a fault took it away
			return
		}
		c.w.stats.Replayed++
		c.dispatch(now, e.seq, e.name, e.data)
	}
	if c.session == s {
		c.w.dispatch(now, s, event.Resumed, []byte(`{"_trace":["gatewaytest"]}`))
	}
}

// maxShards is far above what any bot has.
const maxShards = 1 << 24

// parseShard reads the shard field; bots without shards leave it out.
func parseShard(raw json.RawMessage) (key shardKey, ok bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return shardKey{0, 1}, true
	}
	var pair []uint
	if json.Unmarshal(raw, &pair) != nil || len(pair) != 2 || pair[0] >= pair[1] || pair[1] > maxShards {
		return shardKey{}, false
	}
	return shardKey{pair[0], pair[1]}, true
}

// resumeURL returns the URL of the session that was started last.
func (w *World) resumeURL() string {
	if len(w.cfg.resumeURLs) == 0 {
		return ""
	}
	return w.cfg.resumeURLs[w.stats.Identifies%len(w.cfg.resumeURLs)]
}

// readyData returns the data of READY for a session with a connection.
//
// https://discord.com/developers/docs/events/gateway-events#ready
func (w *World) readyData(s *Session) []byte {
	b := fmt.Appendf(nil, `{"v":%s,"user":%s,"session_id":%q,"session_type":"normal","resume_gateway_url":%q,"shard":[%d,%d],`+
		`"application":{"id":"%d","flags":%d},"private_channels":[],"relationships":[],"presences":[],"user_settings":{},"geo_ordered_rtc_regions":[],"_trace":["gatewaytest"],"guilds":[`,
		s.conn.params.Version, botUser(s.bot), s.id, w.resumeURL(), s.shard.id, s.shard.count, s.user(), appFlags)
	for g := range w.guildsOf(s.shard) {
		b = fmt.Appendf(b, `{"id":"%d","unavailable":true},`, g.ID)
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, `]}`...)
}
