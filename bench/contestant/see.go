package contestant

import "github.com/bwmarrin/discordgo"

// seen counts letters, for handlers that must look at what they get.
var seen int

// see is the typed handler.
func see(m *discordgo.MessageCreate) { seen += len(m.Content) }
