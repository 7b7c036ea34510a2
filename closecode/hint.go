package closecode

// Hint says in one sentence what the user must change before a connection can
// succeed, in lower case and without a period, to stand behind a colon. It is empty for every code whose [Type.Decision] is not [Stop], and
// for zero.
func (code Type) Hint() string {
	switch code {
	case AuthenticationFailed:
		return "check the bot token: copy it, or reset it, on the Bot page of the application in the Developer Portal"
	case InvalidShard:
		return "the shard id must be below the shard count, and every shard of the bot must use the same count"
	case ShardingRequired:
		return "the bot is in too many guilds for this number of shards: use at least the count that GET /gateway/bot recommends"
	case InvalidAPIVersion:
		return "the gateway version in the URL is not served any more: connect with v=10"
	case InvalidIntents:
		return "the intents contain a bit that Discord does not know: check how the number was computed"
	case DisallowedIntents:
		return "enable the privileged gateway intents you use (server members, presence, message content) on the Bot page " +
			"of the application in the Developer Portal, or stop asking for them; verified bots need Discord's approval for each"
	}
	return ""
}

// Hint says in one sentence what the user must change before a voice connection
// can succeed, in the form of [Type.Hint]. It is empty for every code whose [Voice.Decision] is
// not [Stop], and for zero.
func (code Voice) Hint() string {
	switch code {
	case VoiceAuthenticationFailed:
		return "the voice token was refused: use the token and the session id of the latest voice server and voice state updates of this guild"
	case VoiceUnknownProtocol:
		return "select the protocol udp, the only one for bots"
	case VoiceUnknownEncryptionMode:
		return "select one of the encryption modes that the ready message offers"
	case VoiceE2EERequired:
		return "the channel is end-to-end encrypted: identify with a max_dave_protocol_version of at least 1"
	case VoiceRateLimited:
		return "the client sent or connected too often: slow down before joining again"
	}
	return ""
}
