package main

import "strings"

// upper are the words that Go spells in capitals.
var upper = map[string]string{
	"id": "ID", "ids": "IDs", "url": "URL", "urls": "URLs", "afk": "AFK", "mfa": "MFA", "nsfw": "NSFW", "rtc": "RTC",
	"rpc": "RPC", "sku": "SKU", "tts": "TTS", "uris": "URIs", "dm": "DM", "dms": "DMs", "vip": "VIP", "dnd": "DND",
	"apng": "APNG", "png": "PNG", "gif": "GIF", "gifv": "GIFV", "tos": "TOS", "ui": "UI", "http": "HTTP",
}

// camel turns guild_id and GUILD_ID into GuildID. Names of events are spelt as in
// the package event, where no word is in capitals.
func camel(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '.' || r == '-' || r == ' ' }) {
		b.WriteString(strings.ToUpper(word[:1]) + strings.ToLower(word[1:]))
	}
	return b.String()
}

// goName is camel with the words that Go spells in capitals.
func goName(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '.' || r == '-' || r == ' ' }) {
		word = strings.ToLower(word)
		if u, ok := upper[word]; ok {
			b.WriteString(u)
		} else {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// plural is the name of a set of flags: MessageFlags.
func plural(name string) string { return name + "s" }
