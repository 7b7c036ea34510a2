package etf

// constantOf returns the JSON form of the atom of a name if it stands for a
// constant, else nothing: then it stands for its name.
func constantOf(name []byte) string {
	switch string(name) {
	case "nil", "null":
		return "null"
	case "true":
		return "true"
	case "false":
		return "false"
	}
	return ""
}

// A constant is an atom of the usual constants as [writeTerm] compares it: the
// byte of its size, then its name, in the lower bytes of a word. The others
// are masked. The JSON form has a comma behind it.
type constant struct {
	mask, atom, json uint64
	read, written    uint32 // bytes, read without the tag
}

// constants has them at the size of their name. What has no bit is never met.
var constants = [8]constant{
	{atom: 1}, {atom: 1}, {atom: 1}, constantWords("nil", "null,"), constantWords("true", "true,"), constantWords("false", "false,"), {atom: 1}, {atom: 1},
}

func constantWords(name, json string) (c constant) {
	c = constant{mask: 0xff, atom: uint64(len(name)), read: uint32(1 + len(name)), written: uint32(len(json))}
	for i := range len(name) {
		c.mask |= 0xff << (8 * (i + 1))
		c.atom |= uint64(name[i]) << (8 * (i + 1))
	}
	for i := range len(json) {
		c.json |= uint64(json[i]) << (8 * i)
	}
	return c
}
