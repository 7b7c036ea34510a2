package mix

func (a *author) presenceUpdate() {
	status := []string{"online", "idle", "dnd", "offline"}[a.IntN(4)]
	a.printf(`{"user":{"id":"%d"},"status":"%s","processed_at_timestamp":%d,"guild_id":"%d","client_status":{"desktop":"%[2]s"},"activities":[`,
		snowflake(4, a.IntN(users)), status, epoch.UnixMilli()+a.Int64N(86_400_000), a.guild())
	for i := range a.IntN(3) {
		if i > 0 {
			a.printf(`,`)
		}
		a.activity()
	}
	a.printf(`]}`)
}

func (a *author) activity() {
	if a.IntN(3) == 0 {
		a.printf(`{"type":4,"state":"`)
		a.text(1 + a.IntN(8))
		a.printf(`","name":"Custom Status","id":"custom","created_at":%d}`, epoch.UnixMilli()+a.Int64N(86_400_000))
		return
	}
	start := epoch.UnixMilli() + a.Int64N(86_400_000)
	a.printf(`{"type":2,"timestamps":{"start":%d,"end":%d},"sync_id":"%s","state":"`, start, start+200_000, a.hash()[:22])
	a.text(2)
	a.printf(`","session_id":"%s","party":{"id":"spotify:%d"},"name":"Spotify","id":"spotify:1","flags":48,"details":"`,
		a.hash(), snowflake(4, a.IntN(users)))
	a.text(4)
	a.printf(`","created_at":%d,"assets":{"large_text":"%s %s","large_image":"spotify:ab67616d0000b273%s"}}`,
		start, a.word(), a.word(), a.hash()[:24])
}

func (a *author) memberUpdate() {
	a.printf(`{"user":`)
	a.user(a.IntN(users))
	a.printf(`,`)
	a.roles(2 + a.IntN(10))
	a.printf(`,"premium_since":null,"pending":false,"nick":%s,"mute":false,"joined_at":"%s","guild_id":"%d","flags":0,"deaf":false,`+
		`"communication_disabled_until":null,"banner":null,"avatar":null}`,
		a.maybe(50, display[a.IntN(len(display))]), a.past(), a.guild())
}

func (a *author) voiceState() {
	n := a.IntN(users)
	a.printf(`{"member":`)
	a.member(n)
	a.printf(`,"user_id":"%d","suppress":false,"session_id":"%s","self_video":false,"self_mute":%t,"self_deaf":%t,`+
		`"request_to_speak_timestamp":null,"mute":false,"guild_id":"%d","deaf":false,"channel_id":%s}`,
		snowflake(4, n), a.hash(), a.IntN(2) == 0, a.IntN(4) == 0, a.guild(), a.maybe(70, "1100000000000000001"))
}

func (a *author) channelUpdate() {
	a.channelObject(a.IntN(50))
	a.out = a.out[:len(a.out)-1]
	a.printf(`,"guild_id":"%d"}`, a.guild())
}

func (a *author) channelObject(position int) {
	a.printf(`{"version":%d,"type":0,"topic":"`, a.IntN(1<<40))
	a.text(a.IntN(12))
	a.printf(`","rate_limit_per_user":0,"position":%d,"permission_overwrites":[`, position)
	for i := range 1 + a.IntN(3) {
		if i > 0 {
			a.printf(`,`)
		}
		a.printf(`{"type":0,"id":"%d","deny":"%d","allow":"%d"}`, a.role(), a.IntN(1<<20), a.IntN(1<<20))
	}
	a.printf(`],"parent_id":"%d","nsfw":false,"name":"%s-%s","last_message_id":"%d","id":"%d","flags":0}`,
		a.channel(), a.word(), a.word(), a.fresh(), a.channel())
}

func (a *author) threadUpdate() {
	a.printf(`{"type":11,"total_message_sent":%d,"thread_metadata":{"locked":false,"create_timestamp":"%s","auto_archive_duration":1440,`+
		`"archived":%t,"archive_timestamp":"%s"},"rate_limit_per_user":0,"parent_id":"%d","owner_id":"%d","name":"`,
		a.IntN(500), a.past(), a.IntN(2) == 0, a.past(), a.channel(), snowflake(4, a.IntN(users)))
	a.text(5)
	a.printf(`","message_count":%d,"member_count":%d,"last_message_id":"%d","id":"%d","guild_id":"%d","flags":0}`,
		a.IntN(500), a.IntN(50), a.fresh(), a.fresh(), a.guild())
}

func (a *author) guildCreate() {
	a.printf(`{"id":"%d","name":"%s %s","icon":"%s","owner_id":"%d","region":"deprecated","afk_timeout":300,"verification_level":2,`+
		`"default_message_notifications":1,"explicit_content_filter":2,"mfa_level":0,"features":["COMMUNITY","NEWS"],"premium_tier":1,`+
		`"preferred_locale":"en-US","joined_at":"%s","large":true,"unavailable":false,"member_count":%d,"emojis":[],"stickers":[],`+
		`"voice_states":[],"threads":[],"stage_instances":[],"guild_scheduled_events":[],"soundboard_sounds":[],"presences":[],"channels":`,
		a.guild(), a.word(), a.word(), a.hash(), snowflake(4, a.IntN(users)), a.past(), 250+a.IntN(5000))
	a.list(40, func(i int) { a.channelObject(i) })
	a.printf(`,"roles":`)
	a.list(40, a.roleObject)
	a.printf(`,"members":`)
	a.list(70, func(int) { a.member(a.IntN(users)) })
	a.printf(`}`)
}

func (a *author) roleObject(position int) {
	a.printf(`{"version":%d,"unicode_emoji":null,"tags":{},"position":%d,"permissions":"%d","name":"%s %s","mentionable":false,"managed":false,`+
		`"id":"%d","icon":null,"hoist":false,"flags":0,"color":%d}`,
		a.IntN(1<<40), position, a.IntN(1<<45), a.word(), a.word(), a.role(), a.IntN(1<<24))
}

// list writes an array of n things.
func (a *author) list(n int, write func(i int)) {
	a.printf(`[`)
	for i := range n {
		if i > 0 {
			a.printf(`,`)
		}
		write(i)
	}
	a.printf(`]`)
}
