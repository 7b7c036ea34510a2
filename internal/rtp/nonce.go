package rtp

import "encoding/binary"

const (
	nonceSuffix = 4  // bytes of the nonce that are sent
	maxNonce    = 24 // bytes of the longest nonce
)

// Nonces are the numbers that a [Sealer] has left for its key: Left of them,
// from Next on. Each is used once; the zero value has none.
//
// Both ends of a connection encrypt with the same key, and each counts for
// itself. Ends that share no number, as [ClientNonces] and [ServerNonces] do,
// never encrypt two packets with the same nonce. The protocol does not demand
// it: some clients start anywhere.
type Nonces struct {
	Next uint32
	Left uint32
}

// ClientNonces returns the numbers of the end that connects: 0 to 2^31-1,
// which last for more than a year of 50 packets a second.
func ClientNonces() Nonces { return Nonces{Next: 0, Left: 1 << 31} }

// ServerNonces returns the numbers of the other end: 2^31 to 2^32-1.
func ServerNonces() Nonces { return Nonces{Next: 1 << 31, Left: 1 << 31} }

// fewNonces are those of 20 minutes of 50 packets a second.
const fewNonces = 20 * 60 * 50

// Low reports whether it is time to ask for a new key, which means a new
// session: fewer than 60,000 are left.
func (n Nonces) Low() bool { return n.Left < fewNonces }

// wraps reports whether the numbers run over the end and start again at 0.
func (n Nonces) wraps() bool { return uint64(n.Next)+uint64(n.Left) > 1<<32 }

// take writes the next number to b. It reports whether there was one.
func (n *Nonces) take(b []byte) bool {
	if n.Left == 0 {
		return false
	}
	binary.BigEndian.PutUint32(b, n.Next)
	n.Next++
	n.Left--
	return true
}
