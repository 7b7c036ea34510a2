package relay

// Stats count datagrams.
type Stats struct {
	Received    uint64 `json:"received"`
	Forwarded   uint64 `json:"forwarded"`   // copies sent on
	Discoveries uint64 `json:"discoveries"` // answered
	Keepalives  uint64 `json:"keepalives"`  // echoed
	Unknown     uint64 `json:"unknown"`     // of no kind, or of clients that are not known
	TooLarge    uint64 `json:"too_large"`   // larger than WithMaxDatagram allows
	RTCP        uint64 `json:"rtcp"`        // not forwarded
	Forged      uint64 `json:"forged"`      // not made with the key of the sender
	Repeated    uint64 `json:"repeated"`    // received before, or too old to tell
	Limited     uint64 `json:"limited"`     // over the rate of the sender
	Muted       uint64 `json:"muted"`       // of senders that may not speak
	Encrypted   uint64 `json:"encrypted"`   // copies for members without end-to-end encryption
	Unconfirmed uint64 `json:"unconfirmed"` // copies for members whose address is not known
	Lost        uint64 `json:"lost"`        // copies dropped by a fault
	Delayed     uint64 `json:"delayed"`     // copies held back by a fault
	Duplicated  uint64 `json:"duplicated"`  // copies sent twice by a fault
	Padded      uint64 `json:"padded"`      // copies padded by a fault
}

// Add adds the counters of another relay.
func (s *Stats) Add(o Stats) {
	s.Received += o.Received
	s.Forwarded += o.Forwarded
	s.Discoveries += o.Discoveries
	s.Keepalives += o.Keepalives
	s.Unknown += o.Unknown
	s.TooLarge += o.TooLarge
	s.RTCP += o.RTCP
	s.Forged += o.Forged
	s.Repeated += o.Repeated
	s.Limited += o.Limited
	s.Muted += o.Muted
	s.Encrypted += o.Encrypted
	s.Unconfirmed += o.Unconfirmed
	s.Lost += o.Lost
	s.Delayed += o.Delayed
	s.Duplicated += o.Duplicated
	s.Padded += o.Padded
}
