package mix

func (a *author) messageCreate() {
	a.message()
	a.printf(`,"member":`)
	a.member(-1)
	a.printf(`,"guild_id":"%d"}`, a.guild())
}

func (a *author) messageUpdate() {
	a.message()
	a.printf(`,"member":`)
	a.member(-1)
	a.printf(`,"guild_id":"%d"}`, a.guild())
}

// message writes a message without its closing brace.
func (a *author) message() {
	a.printf(`{"type":0,"tts":false,"timestamp":"%s","pinned":false,"nonce":"%d","mentions":[`, a.time(), a.fresh())
	if a.IntN(5) == 0 {
		a.user(a.IntN(users))
	}
	a.printf(`],"mention_roles":[],"mention_everyone":false,"id":"%d","flags":0,"embeds":[`, a.fresh())
	if a.IntN(6) == 0 {
		a.embed()
	}
	a.printf(`],"edited_timestamp":null,"content":"`)
	a.text(2 + a.IntN(12)*a.IntN(6))
	a.printf(`","components":[],"channel_type":0,"channel_id":"%d","author":`, a.channel())
	a.user(a.IntN(users))
	a.printf(`,"attachments":[`)
	if a.IntN(8) == 0 {
		a.attachment()
	}
	a.printf(`]`)
}

func (a *author) embed() {
	a.printf(`{"type":"rich","title":"`)
	a.text(4)
	a.printf(`","description":"`)
	a.text(10 + a.IntN(30))
	a.printf(`","color":%d,"fields":[`, a.IntN(1<<24))
	for i := range 3 {
		if i > 0 {
			a.printf(`,`)
		}
		a.printf(`{"value":"%d","name":"%s","inline":true}`, a.IntN(10_000), a.word())
	}
	a.printf(`],"footer":{"text":"%s %s"},"content_scan_version":0}`, a.word(), a.word())
}

func (a *author) attachment() {
	channel, id := a.channel(), a.fresh()
	a.printf(`{"width":1280,"url":"https://cdn.discordapp.com/attachments/%[1]d/%[2]d/image.png?ex=66ab&is=66aa&hm=%[3]s&",`+
		`"size":%[4]d,"proxy_url":"https://media.discordapp.net/attachments/%[1]d/%[2]d/image.png?ex=66ab&is=66aa&hm=%[3]s&",`+
		`"placeholder_version":1,"placeholder":"%[5]s","id":"%[2]d","height":720,"filename":"image.png","content_type":"image/png",`+
		`"content_scan_version":0}`, channel, id, a.hash(), a.IntN(1<<22), a.hash()[:24])
}

func (a *author) messageDelete() {
	a.printf(`{"id":"%d","channel_id":"%d","guild_id":"%d"}`, a.fresh(), a.channel(), a.guild())
}

func (a *author) reactionAdd() {
	n := a.IntN(users)
	a.printf(`{"user_id":"%d","type":0,"message_id":"%d","message_author_id":"%d","member":`,
		snowflake(4, n), a.fresh(), snowflake(4, a.IntN(users)))
	a.member(n)
	a.printf(`,"emoji":{"name":"%s","id":null},"channel_id":"%d","burst":false,"guild_id":"%d"}`,
		emoji[a.IntN(len(emoji))], a.channel(), a.guild())
}

func (a *author) reactionRemove() {
	a.printf(`{"user_id":"%d","type":0,"message_id":"%d","emoji":{"name":"%s","id":null},"channel_id":"%d","burst":false,"guild_id":"%d"}`,
		snowflake(4, a.IntN(users)), a.fresh(), emoji[a.IntN(len(emoji))], a.channel(), a.guild())
}

func (a *author) typingStart() {
	n := a.IntN(users)
	a.printf(`{"user_id":"%d","timestamp":%d,"member":`, snowflake(4, n), epoch.Unix()+a.Int64N(86400))
	a.member(n)
	a.printf(`,"channel_id":"%d","guild_id":"%d"}`, a.channel(), a.guild())
}
