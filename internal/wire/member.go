package wire

// Member returns the value of a member of the JSON object b, as it stands
// there, without decoding what lies before it. It reports false if there is no
// such member before the first fault. A name that b spells with escapes is not found.
func Member(b []byte, name string) (raw []byte, ok bool) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return nil, false
	}
	for i = skipSpace(b, i+1); i < len(b) && b[i] == '"'; i = skipSpace(b, i+1) {
		start := i + 1
		_, value, why := key(b, i)
		if why != fine {
			return nil, false
		}
		end, why := skipValue(b, value)
		if why != fine {
			return nil, false
		}
		// The key is followed by its quote, white space, and the colon.
		if rest := b[start:value]; len(rest) > len(name) && string(rest[:len(name)]) == name && rest[len(name)] == '"' {
			return b[value:end], true
		}
		if i = skipSpace(b, end); i >= len(b) || b[i] != ',' {
			return nil, false
		}
	}
	return nil, false
}
