package rtp

// A Stream numbers the packets of one sender. Its fields are those of the next
// packet; a sender that changes servers takes Sequence and Timestamp along.
// Both are meant to wrap.
type Stream struct {
	SSRC      uint32
	Sequence  uint16
	Timestamp uint32
}

// Next returns the header of the next packet, whose payload is as many samples
// long as [Samples] says.
func (s *Stream) Next(samples int) Header {
	h := Header{PayloadType: PayloadTypeOpus, SSRC: s.SSRC, Sequence: s.Sequence, Timestamp: s.Timestamp}
	s.Sequence++
	s.Skip(samples)
	return h
}

// Skip lets time pass without a packet: the timestamp counts it, the sequence
// does not.
func (s *Stream) Skip(samples int) { s.Timestamp += uint32(samples) }

// SequenceDiff returns how many packets a comes after b, negative if before,
// -32768 to 32767. It holds across the wrap from 65535 to 0.
func SequenceDiff(a, b uint16) int { return int(int16(a - b)) }
