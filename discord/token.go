package discord

import "fmt"

// A Token is a secret of Discord's: it lets a bot answer an interaction, join a
// voice server or a party. Its string forms do not show it, and neither do those of
// events; string(t) does, and its JSON, which an event needs to be one.
type Token string

// hiddenToken stands for any token.
const hiddenToken = "[token]"

func (t Token) String() string { return hiddenToken }

// Format implements [fmt.Formatter] without the token.
func (t Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, hiddenToken) }
