package mix

var names = []string{
	"amber", "bolt", "cedar", "dusk", "ember", "fjord", "grove", "harbor", "iris", "juniper", "kestrel", "lumen",
	"maple", "nimbus", "onyx", "pixel", "quartz", "raven", "sable", "tundra", "umber", "velvet", "willow", "zephyr",
}

var display = []string{
	"Amber", "Bolt!", "cedar tree", "Dusk till dawn", "émbèr", "Fjord", "グローブ", "harbor", "Iris ✿", "juni", "K3strel",
	"lumen", "Мейпл", "Nim Bus", "onyx", "pix", "Quartz & Co", "the raven", "sable", "tundra", "UMBER", "velvet", "Willow", "z",
}

var emoji = []string{"😀", "🔥", "👍", "🎉", "❤️", "😂", "👀", "✨"}

var words = []string{
	"about", "actually", "again", "all", "always", "and", "any", "back", "because", "been", "before", "better", "build", "but",
	"can", "channel", "come", "day", "did", "does", "done", "down", "even", "every", "first", "for", "from", "game", "get", "go",
	"good", "great", "had", "has", "have", "here", "how", "if", "in", "into", "is", "it", "just", "know", "last", "let", "like",
	"little", "long", "look", "lol", "made", "make", "many", "maybe", "more", "much", "my", "need", "never", "new", "next", "no",
	"not", "now", "of", "off", "ok", "on", "one", "only", "or", "other", "our", "out", "over", "people", "play", "please", "right",
	"round", "said", "same", "say", "see", "server", "should", "so", "some", "still", "such", "sure", "take", "team", "than",
	"thanks", "that", "the", "then", "there", "they", "thing", "think", "this", "time", "to", "today", "tomorrow", "tonight", "too",
	"try", "two", "up", "use", "very", "wait", "want", "was", "way", "we", "week", "well", "went", "were", "what", "when", "where",
	"which", "who", "why", "will", "with", "work", "would", "yeah", "yes", "yet", "you", "your",
}
