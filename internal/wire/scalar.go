package wire

import (
	"encoding/json"
	"strconv"
)

// key reads the key at b[i] and its colon, and returns the index of its value.
func key(b []byte, i int) (members, int, reason) {
	if i >= len(b) {
		return other, i, truncated
	}
	if b[i] != '"' {
		return other, i, notKey
	}
	end, why := skipText(b, i+1)
	if why != fine {
		return other, end, why
	}
	m := memberOf(b[i+1 : end-1])
	if end = skipSpace(b, end); end == len(b) {
		return other, end, truncated
	}
	if b[end] != ':' {
		return other, end, notColon
	}
	return m, skipSpace(b, end+1), fine
}

// memberOf returns the member that the contents of a key name.
func memberOf(k []byte) members {
	switch string(k) {
	case "op":
		return op
	case "s":
		return seq
	case "t":
		return name
	case "d":
		return data
	}
	const longest = len(`\u006f\u0070`)
	if len(k) > longest || len(k) < len(`\u0064`) || k[0] != '\\' && k[1] != '\\' {
		return other
	}
	plain := unquote(k)
	if len(plain) > len("op") {
		return other
	}
	return memberOf(plain)
}

// text returns the contents of a JSON string.
func text(raw []byte) (s []byte, ok bool) {
	if raw[0] != '"' {
		return nil, false
	}
	raw = raw[1 : len(raw)-1 : len(raw)-1]
	for _, c := range raw {
		if c == '\\' || c >= 0x80 {
			return unquote(raw), true
		}
	}
	return raw, true
}

// unquote returns the characters that the contents of a JSON string stand for.
// It is for the rare ones that do not stand for themselves.
func unquote(contents []byte) []byte {
	quoted := append(append([]byte{'"'}, contents...), '"')
	var s string
	_ = json.Unmarshal(quoted, &s) // the scanner has found no fault with it
	return []byte(s)
}

// opcode returns the value of a JSON number without sign, fraction and exponent.
func opcode(raw []byte) (uint, bool) {
	if len(raw) == 1 {
		return uint(raw[0] - '0'), raw[0]-'0' <= 9
	}
	n, err := strconv.ParseUint(string(raw), 10, strconv.IntSize)
	return uint(n), err == nil
}

// integer returns the value of a JSON number without fraction and exponent.
func integer(raw []byte) (int64, bool) {
	const safe = 18 // digits that fit into an int64 whatever they are
	if len(raw) > safe || raw[0] == '-' {
		n, err := strconv.ParseInt(string(raw), 10, 64)
		return n, err == nil
	}
	var n int64
	for _, c := range raw {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}
