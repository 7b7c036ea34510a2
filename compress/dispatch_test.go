package compress

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// dispatches returns n plausible dispatches of about 855 bytes on average, the same for the same seed.
func dispatches(n int, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([][]byte, n)
	for i := range all {
		all[i] = dispatch(r, i+1)
	}
	return all
}

func dispatch(r *rand.Rand, seq int) []byte {
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		return fmt.Appendf(nil, `{"t":"PRESENCE_UPDATE","s":%d,"op":0,"d":{"user":{"id":"%d"},"status":%q,"guild_id":"%d","client_status":{"desktop":%q},"activities":[{"type":0,"name":%q,"id":"%x","created_at":%d}]}}`,
			seq, id(r), pick(r, "online", "idle", "dnd"), id(r), pick(r, "online", "idle"), words(r, 3), r.Uint64(), 1700000000000+r.Int64N(1e9))
	case 4:
		return fmt.Appendf(nil, `{"t":"TYPING_START","s":%d,"op":0,"d":{"user_id":"%d","timestamp":%d,"channel_id":"%d","guild_id":"%d"}}`,
			seq, id(r), 1700000000+r.Int64N(1e6), id(r), id(r))
	case 5:
		return guild(r, seq)
	default:
		return fmt.Appendf(nil, `{"t":"MESSAGE_CREATE","s":%d,"op":0,"d":{"type":0,"tts":false,"timestamp":"2026-11-%02dT%02d:%02d:%02d.%06d+00:00","pinned":false,"nonce":"%d","mentions":[],"mention_roles":[],"mention_everyone":false,"member":{"roles":["%d","%d"],"premium_since":null,"pending":false,"nick":null,"mute":false,"joined_at":"2021-03-%02dT12:00:00.000000+00:00","flags":0,"deaf":false,"avatar":null},"id":"%d","flags":0,"embeds":[],"edited_timestamp":null,"content":%q,"components":[],"channel_id":"%d","author":{"username":%q,"public_flags":0,"id":"%d","global_name":%q,"discriminator":"0","avatar":"%016x%016x"},"attachments":[],"guild_id":"%d"}}`,
			seq, r.IntN(28)+1, r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e6), id(r), id(r), id(r), r.IntN(28)+1, id(r), words(r, 4+r.IntN(30)), id(r), words(r, 1), id(r), words(r, 2), r.Uint64(), r.Uint64(), id(r))
	}
}

func guild(r *rand.Rand, seq int) []byte {
	b := fmt.Appendf(nil, `{"t":"GUILD_UPDATE","s":%d,"op":0,"d":{"id":"%d","name":%q,"owner_id":"%d","roles":[`, seq, id(r), words(r, 3), id(r))
	for i := range 6 + r.IntN(16) {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"id":"%d","name":%q,"permissions":"%d","position":%d,"color":%d,"hoist":false,"managed":false,"mentionable":true,"flags":0}`,
			id(r), words(r, 2), r.Uint32(), i, r.IntN(1<<24))
	}
	return append(b, "]}}"...)
}

func id(r *rand.Rand) int64 { return 100000000000000000 + r.Int64N(1100000000000000000) }

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func words(r *rand.Rand, n int) string {
	w := make([]string, n)
	for i := range w {
		w[i] = pick(r, "the", "night", "raid", "starts", "in", "ten", "minutes", "who", "brings", "potions", "lol", "ok", "sure", "see", "you", "there",
			"channel", "voice", "music", "game", "again", "nobody", "knows", "why", "server", "restart", "tomorrow", "héllo", "日本", "gg")
	}
	return strings.Join(w, " ")
}
