package lifecycle

import (
	"encoding/json"
	"fmt"
)

// maxPresence is the size in bytes of the longest presence that is remembered:
// identify has to fit into 4096 with it.
const maxPresence = 3 << 10

// SetPresence notes the presence that a command has set, as JSON: the next
// identify carries it. Nil forgets it. It is an error if it is not JSON, or
// has more than 3 KiB, with which identify might be too long.
//
// https://discord.com/developers/docs/events/gateway-events#update-presence
func (s *Shard) SetPresence(data json.RawMessage) error {
	if data == nil {
		s.presence, s.stored.Presence = nil, nil
		return nil
	}
	compact, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("lifecycle: presence: %w", err)
	}
	if len(compact) > maxPresence {
		return fmt.Errorf("lifecycle: presence of %d bytes, at most %d fit into identify", len(compact), maxPresence)
	}
	s.presence = compact
	return nil
}

// Presence returns what [Shard.SetPresence] noted, or a former process did, nil
// for nothing.
func (s *Shard) Presence() json.RawMessage {
	if s.phase == ShardNew && s.presence == nil {
		return s.stored.Presence
	}
	return s.presence
}
