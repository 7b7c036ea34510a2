// Package useragent names this module to Discord.
package useragent

import "runtime/debug"

// Module is the path of this module.
const Module = "github.com/discordpkg/gateway"

// String returns the User-Agent header that Discord wants from bots, with the
// version of this module in the running program.
//
// https://discord.com/developers/docs/reference#user-agent
func String() string { return "DiscordBot (https://" + Module + ", " + Version() + ")" }

// Version returns the version of this module in the running program, "devel"
// if that was built from a checkout.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == Module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}
