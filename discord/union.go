package discord

// An Unknown is a polymorphic part of a kind that this package does not know. Its
// JSON is kept, and encoded again as it came.
type Unknown struct{ JSON JSON }

// MarshalJSON returns the JSON.
func (u *Unknown) MarshalJSON() ([]byte, error) { return u.JSON.MarshalJSON() }

// union reads a value for one of the wrappers of polymorphic parts on behalf of
// encoding/json.
func union(data []byte, read func(*decoder)) error {
	d := newDecoder(data)
	read(&d)
	if err := d.end("part"); err != nil {
		return err
	}
	return d.misfit("part")
}

// guessInteractionData tells what interaction an object is the data of from its
// fields, where the interaction itself is out of sight.
func guessInteractionData(d *decoder) (kind int32) {
	kind = int32(InteractionTypeApplicationCommand)
	scout := *d
	for key, ok := scout.open(); ok; key, ok = scout.next() {
		switch key {
		case "components":
			return int32(InteractionTypeModalSubmit)
		case "component_type":
			kind = int32(InteractionTypeMessageComponent)
		}
		scout.skip()
	}
	return kind
}

// guessRateLimitMetadata is the same for the only command that has a limit.
func guessRateLimitMetadata(*decoder) int32 { return 8 }
