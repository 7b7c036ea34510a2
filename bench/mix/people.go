package mix

import (
	"fmt"
	"time"
)

// The cast of a bot's guilds: as many of each as make their names repeat about
// as often as real ones do, which decides how well a stream compresses.
const (
	guilds   = 2_000
	channels = 20_000
	users    = 60_000
	roles    = 30_000
)

// epoch is when the made-up story plays.
var epoch = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// snowflake returns the id of the nth member of a family of things.
func snowflake(family, n int) uint64 {
	x := uint64(family)<<32 ^ uint64(n)
	x *= 0x9e3779b97f4a7c15
	ms := 60_000_000_000 + x>>26 // since 2015, some ten years around
	return ms<<22 | x&0x3fffff
}

func (a *author) guild() uint64   { return snowflake(1, a.IntN(guilds)) }
func (a *author) channel() uint64 { return snowflake(2, a.IntN(channels)) }
func (a *author) role() uint64    { return snowflake(3, a.IntN(roles)) }

// fresh returns the id of something that just came into being.
func (a *author) fresh() uint64 { return 1_480_000_000_000_000_000 + a.Uint64N(1<<52) }

func (a *author) time() string {
	return epoch.Add(time.Duration(a.Int64N(int64(24 * time.Hour)))).Format("2006-01-02T15:04:05.000000+00:00")
}

func (a *author) past() string {
	return epoch.Add(-time.Duration(a.Int64N(int64(3*365*24*time.Hour))) - time.Microsecond).Format("2006-01-02T15:04:05.000000+00:00")
}

// hash is the name of a picture.
func (a *author) hash() string { return fmt.Sprintf("%016x%016x", a.Uint64(), a.Uint64()) }

// maybe returns text in quotes, or null in the given share of cases.
func (a *author) maybe(percent int, text string) string {
	if a.IntN(100) >= percent {
		return "null"
	}
	return `"` + text + `"`
}

// user writes an object for the nth user: all that makes a user stay the same.
func (a *author) user(n int) {
	name := names[n%len(names)]
	a.printf(`{"username":"%s%d","public_flags":%d,"primary_guild":null,"id":"%d","global_name":"%s",`+
		`"display_name_styles":null,"discriminator":"0","collectibles":null,"bot":false,`+
		`"avatar_decoration_data":null,"avatar":"%016x%016x"}`,
		name, n, n%3*64, snowflake(4, n), display[n%len(display)], snowflake(5, n), snowflake(6, n))
}

// member writes a guild member, with the user if n is not negative.
func (a *author) member(n int) {
	a.printf(`{`)
	if n >= 0 {
		a.printf(`"user":`)
		a.user(n)
		a.printf(`,`)
	}
	a.roles(1 + a.IntN(5))
	a.printf(`,"premium_since":null,"pending":false,"nick":%s,"mute":false,"joined_at":"%s","flags":0,"deaf":false,`+
		`"communication_disabled_until":null,"banner":null,"avatar":null}`,
		a.maybe(30, display[a.IntN(len(display))]), a.past())
}

// roles writes the member "roles" of an object.
func (a *author) roles(n int) {
	a.printf(`"roles":[`)
	for i := range n {
		if i > 0 {
			a.printf(`,`)
		}
		a.printf(`"%d"`, a.role())
	}
	a.printf(`]`)
}

// text writes words to the inside of a JSON string. Now and then there is a
// mention, an escape, or a letter that is not ASCII.
func (a *author) text(n int) {
	for i := range n {
		if i > 0 {
			a.printf(` `)
		}
		switch a.IntN(60) {
		case 0:
			a.printf(`<@%d>`, snowflake(4, a.IntN(users)))
		case 1:
			a.printf(`\n`)
		case 2:
			a.printf(`\"%s\"`, a.word())
		case 3:
			a.printf(`%s`, emoji[a.IntN(len(emoji))])
		default:
			a.printf(`%s`, a.word())
		}
	}
}

func (a *author) word() string { return words[a.IntN(len(words))] }
