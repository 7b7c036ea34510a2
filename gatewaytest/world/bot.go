package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// Bot is the user id of the bot with the first token of [WithToken], or with
// any token if there are none.
const Bot snowflake.ID = 1000 << 22

// BotID returns the user id of the bot with the n-th token of [WithToken], from
// 0 on. The bots are the first members of every guild.
func BotID(n int) snowflake.ID { return Bot + snowflake.ID(max(0, n))<<22 }

// A bot is what the backend knows of one application.
type bot struct {
	starts      int // of sessions, since startsReset less a day
	startsReset time.Time
	identified  map[uint]time.Time // per bucket
}

func newBots(n int) []*bot {
	bots := make([]*bot, max(1, n))
	for i := range bots {
		bots[i] = &bot{identified: make(map[uint]time.Time)}
	}
	return bots
}

// bare returns a token without the prefix that some clients keep.
func bare(token string) string { return strings.TrimPrefix(token, "Bot ") }

// botOf returns which bot a token belongs to. The tokens never change.
func (w *World) botOf(token string) (n int, ok bool) {
	token = bare(token)
	if len(w.cfg.tokens) == 0 || token == "" {
		return 0, token != ""
	}
	n = slices.Index(w.cfg.tokens, token)
	return n, n >= 0
}

// takeStart counts a session start, or says which limit it breaks.
//
// https://discord.com/developers/docs/events/gateway#sharding-max-concurrency
func (w *World) takeStart(now time.Time, n int, shard shardKey) (breach string) {
	b := w.bots[n]
	if b.startsReset.IsZero() || !now.Before(b.startsReset) {
		b.starts, b.startsReset = 0, now.Add(24*time.Hour)
	}
	if b.starts >= w.cfg.starts {
		return "no session starts left for today"
	}
	b.starts++
	bucket := shard.id % uint(w.cfg.buckets)
	if last, seen := b.identified[bucket]; seen && now.Sub(last) < w.cfg.identify {
		return fmt.Sprintf("identify in bucket %d %v after the one before", bucket, now.Sub(last))
	}
	b.identified[bucket] = now
	return ""
}

// botName returns the user name of a bot.
func botName(n int) string {
	if n == 0 {
		return "localbot"
	}
	return fmt.Sprintf("localbot%d", n+1)
}

// botUser returns the user object of a bot.
func botUser(n int) string {
	return fmt.Sprintf(`{"id":"%d","username":%q,"discriminator":"0","global_name":null,"avatar":null,"bot":true,"verified":true,"mfa_enabled":false,"email":null,"flags":0}`,
		BotID(n), botName(n))
}

// appFlags say that all privileged intents are enabled for a small bot.
const appFlags = 1<<13 | 1<<15 | 1<<19

// application returns the application object of a bot.
func application(n int) string {
	return fmt.Sprintf(`{"id":"%d","name":%q,"icon":null,"description":"","bot_public":true,"bot_require_code_grant":false,`+
		`"verify_key":"0000000000000000000000000000000000000000000000000000000000000000","flags":%d,"owner":%s,"team":null,"bot":%s,"summary":""}`,
		BotID(n), botName(n), appFlags, botUser(n), botUser(n))
}
