package intent

import (
	"fmt"
	"strconv"
	"strings"
)

// String returns Discord's names of the intents joined by "|", in the order of
// their bits, such as "GUILDS|GUILD_MESSAGES". Undocumented bits are added as one
// decimal number. Without any intent it is "NONE". [Parse] reads it back.
func (t Type) String() string {
	if t == 0 {
		return "NONE"
	}
	var names []string
	for _, row := range rows {
		if t.Has(row.intent) {
			names = append(names, row.name)
		}
	}
	if unknown := t &^ All; unknown != 0 {
		names = append(names, strconv.FormatUint(uint64(unknown), 10))
	}
	return strings.Join(names, "|")
}

// Parse returns the union of the intents in s, which are separated by commas,
// bars or white space: names as Discord or Go spells them, in either case
// ("guild_messages", "GuildMessages"), numbers (decimal, or hexadecimal after
// 0x), and the words all, unprivileged, privileged and none. An empty s is no
// intent. Numbers may have undocumented bits, see [Type.Valid].
func Parse(s string) (Type, error) {
	var t Type
	for word := range strings.FieldsFuncSeq(s, separates) {
		intent, err := parseWord(word)
		if err != nil {
			return 0, err
		}
		t |= intent
	}
	return t, nil
}

func separates(r rune) bool {
	switch r {
	case ',', '|', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

func parseWord(word string) (Type, error) {
	if word[0] >= '0' && word[0] <= '9' {
		n, err := parseNumber(word)
		if err != nil {
			return 0, fmt.Errorf("intent: %q is not a number of at most 64 bits", word)
		}
		return Type(n), nil
	}
	name := fold(word)
	switch name {
	case "all":
		return All, nil
	case "unprivileged":
		return Unprivileged, nil
	case "privileged":
		return Privileged, nil
	case "none":
		return 0, nil
	}
	for _, row := range rows {
		if fold(row.name) == name {
			return row.intent, nil
		}
	}
	return 0, fmt.Errorf("intent: unknown name %q", word)
}

func parseNumber(word string) (uint64, error) {
	if digits, ok := strings.CutPrefix(strings.ToLower(word), "0x"); ok {
		return strconv.ParseUint(digits, 16, 64)
	}
	return strconv.ParseUint(word, 10, 64)
}

// fold makes GUILD_MESSAGES and GuildMessages the same.
func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// Set replaces t by what [Parse] makes of s. It makes *Type a [flag.Value].
func (t *Type) Set(s string) error {
	parsed, err := Parse(s)
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
