package discord

import (
	"bytes"
	"strconv"
	"strings"
)

// Bits is a set of flags that is a string of digits in JSON, since it outgrew the
// numbers of JavaScript.
//
// https://discord.com/developers/docs/topics/permissions#permissions
type Bits[F ~uint64] uint64

// Set returns the flags.
func (b Bits[F]) Set() F { return F(b) }

// MarshalJSON returns a decimal string.
func (b Bits[F]) MarshalJSON() ([]byte, error) { return quoted(uint64(b)), nil }

// UnmarshalJSON takes a decimal string or an integer.
func (b *Bits[F]) UnmarshalJSON(data []byte) error {
	return unquoted((*uint64)(b), data, "set of flags")
}

// Has reports whether all flags of other are in p. It knows nothing of
// [PermissionAdministrator], which implies all others.
func (p Permissions) Has(other Permissions) bool { return p&other == other }

// MarshalJSON returns a decimal string.
func (p Permissions) MarshalJSON() ([]byte, error) { return quoted(uint64(p)), nil }

// UnmarshalJSON takes a decimal string or an integer.
func (p *Permissions) UnmarshalJSON(data []byte) error {
	return unquoted((*uint64)(p), data, "set of flags")
}

func quoted(n uint64) []byte {
	b := append(make([]byte, 0, 22), '"')
	return append(strconv.AppendUint(b, n, 10), '"')
}

// unquoted reads digits with or without quotes. Null changes nothing.
func unquoted(n *uint64, data []byte, want string) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if len(text) > 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	parsed, ok := parseDigits(text)
	if !ok {
		return &TypeError{Want: want, Have: kindOf(string(bytes.TrimSpace(data)))}
	}
	*n = parsed
	return nil
}

// flagNames writes a set as the names of its bits, and bits without one as 1<<n.
func flagNames(set uint64, names []string) string {
	if set == 0 {
		return "0"
	}
	var b strings.Builder
	for bit := range 64 {
		if set>>bit&1 == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('|')
		}
		if bit < len(names) && names[bit] != "" {
			b.WriteString(names[bit])
		} else {
			b.WriteString("1<<" + strconv.Itoa(bit))
		}
	}
	return b.String()
}

// unknownValue writes a value of an enumeration that has no name here.
func unknownValue(name string, n int32) string { return name + "(" + strconv.Itoa(int(n)) + ")" }
