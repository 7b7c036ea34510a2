package etf

// DefaultMaxDepth is how deep containers may nest unless a [Codec] says
// otherwise. Discord's own messages stay below 20.
const DefaultMaxDepth = 512

// maxInput bounds one message in either direction, in bytes.
const maxInput = 1 << 30

// A Codec translates the messages of gateway connections. The zero value is
// ready for use and right for clients of Discord. It is a plain value without
// state: any number of connections and goroutines may share it.
type Codec struct {
	// MaxDepth is how many containers may enclose a value; zero means
	// [DefaultMaxDepth]. A gateway message is a container itself.
	MaxDepth int

	// AtomKeys makes AppendWire write keys as atoms, which is what Discord
	// sends and does not accept. Keys that are not ASCII, longer than 255
	// bytes, or the name of a constant (nil, null, true, false) stay binaries.
	AtomKeys bool

	// IntegerIDs makes AppendWire write snowflakes as integers, which is one
	// of the two forms that Discord sends: strings of decimal digits beyond
	// 2^53 under the keys id, roles, mention_roles, and those that end in _id
	// or _ids. AppendJSON gives back the same strings.
	IntegerIDs bool
}

// Name is the value of the encoding parameter in a gateway URL, "etf".
func (c Codec) Name() string { return "etf" }

func (c Codec) maxDepth() int {
	if c.MaxDepth > 0 {
		return c.MaxDepth
	}
	return DefaultMaxDepth
}
