package lifecycle

import "github.com/discordpkg/gateway/closecode"

// CloseCode is the table of decisions that a [Shard] follows by default after
// Discord closed a connection. It is Discord's own table
// ([closecode.Type.Decision]) with one difference: after 4009 (session timed
// out) the session is resumed. Discord's documentation asks for a new session,
// but its servers mostly accept the resume, and answer with Invalid Session if
// they do not. A new session loses every event since the old one broke.
//
// The session is tried once: if the answer to RESUME is a code for which
// Discord's own table asks for a new session, the machine identifies.
//
// Replace it with [WithCloseCodes]. [closecode.Type.Decision] as it stands is
// Discord's table to the letter.
func CloseCode(code closecode.Type) closecode.Decision {
	if code == closecode.SessionTimedOut {
		return closecode.Resume
	}
	return code.Decision()
}
