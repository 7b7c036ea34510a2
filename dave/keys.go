package dave

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/snowflake"
)

const (
	// keyLifetime is how long a key is kept after a newer one is in use.
	//
	// https://daveprotocol.com/#key-rotation-1
	keyLifetime = 10 * time.Second

	// maxGenerationGap is how far a sender may run ahead.
	maxGenerationGap = 250

	// maxFrameRate is how many frames a second a sender makes at most, 50 of
	// sound and 60 of each of two videos. It bounds the generation that makes
	// sense, and so the work that a forged nonce causes.
	maxFrameRate = 50 + 2*60
)

// senderKeys are the keys of one sender in one epoch, for receivers.
type senderKeys struct {
	era     uint64 // numbers the epochs of all groups
	ratchet ratchet
	keys    []generationKey // ascending, without gaps, those before ratchet.generation
	newest  uint64          // generation of the newest frame
	window  replayWindow
	since   time.Time
	expires time.Time // zero: not yet
}

type generationKey struct {
	generation uint64
	aead       cipher.AEAD
	expires    time.Time // zero: not yet
}

func newSenderKeys(now time.Time, era uint64, base []byte) (*senderKeys, error) {
	r, err := newRatchet(base)
	if err != nil {
		return nil, err
	}
	return &senderKeys{era: era, ratchet: r, since: now}, nil
}

// oldest is the first generation that there is a key for, or will be.
func (k *senderKeys) oldest() uint64 {
	if len(k.keys) > 0 {
		return k.keys[0].generation
	}
	return k.ratchet.generation
}

// unwrap returns the nonce without the wrap of its 32 bits: one of a
// generation that is not gone.
func (k *senderKeys) unwrap(nonce uint32) uint64 {
	const wrap = 1 << (32 - generationBits)
	oldest := k.oldest()
	generation := oldest - oldest%wrap + uint64(nonce>>generationBits)
	if generation < oldest {
		generation += wrap
	}
	return generation<<generationBits | uint64(nonce&(1<<generationBits-1))
}

// key returns the key of an unwrapped nonce, nil if it is out of reach.
func (k *senderKeys) key(now time.Time, nonce uint64) (cipher.AEAD, error) {
	generation := nonce >> generationBits
	for generation >= k.ratchet.generation {
		if generation > k.newest+maxGenerationGap || generation > k.reachable(now) {
			return nil, nil
		}
		g := k.ratchet.generation
		aead, err := k.ratchet.step()
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, generationKey{generation: g, aead: aead})
	}
	return k.keys[generation-k.oldest()].aead, nil
}

// reachable is the last generation a sender can have come to by now.
func (k *senderKeys) reachable(now time.Time) uint64 {
	seconds := max(0, int64(now.Sub(k.since)/time.Second))
	return uint64(seconds) * maxFrameRate >> generationBits
}

// used records an authentic frame.
func (k *senderKeys) used(now time.Time, nonce uint64) {
	k.window.use(nonce)
	generation := nonce >> generationBits
	if generation <= k.newest {
		return
	}
	k.newest = generation
	for i := range k.keys {
		if g := &k.keys[i]; g.generation < generation && g.expires.IsZero() {
			g.expires = now.Add(keyLifetime)
		}
	}
}

// expire forgets the generations that are over.
func (k *senderKeys) expire(now time.Time) {
	n := 0
	for n < len(k.keys) && deadline.Due(k.keys[n].expires, now) {
		n++
	}
	if n > 0 {
		k.keys = slices.Delete(k.keys, 0, n)
	}
}

// deadline is when the next generation is over, zero for none.
func (k *senderKeys) deadline() time.Time {
	if len(k.keys) == 0 {
		return k.expires
	}
	return deadline.Earliest(k.expires, k.keys[0].expires)
}

func (k *senderKeys) wipe() {
	k.ratchet.wipe()
	k.keys = nil
}

// addKey derives the key of a member for the epoch of the group.
func (s *Session) addKey(now time.Time, user snowflake.ID) error {
	secret, err := baseSecret(s.group, user)
	if err != nil {
		return err
	}
	defer clear(secret)
	d := s.decryptors[user]
	if d == nil {
		d = &Decryptor{}
		s.decryptors[user] = d
	}
	return d.add(now, s.era, secret)
}

// baseSecret is what the ratchet of a member starts from.
//
// https://daveprotocol.com/#sender-key-derivation
func baseSecret(g *mls.Group, user snowflake.ID) ([]byte, error) {
	context := binary.LittleEndian.AppendUint64(nil, uint64(user))
	secret, err := g.Export("Discord Secure Frames v0", context, baseSecretSize)
	if err != nil {
		return nil, fmt.Errorf("dave: sender key: %w", err)
	}
	return secret, nil
}

func encryptorOf(g *mls.Group, user snowflake.ID) (*Encryptor, error) {
	secret, err := baseSecret(g, user)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return NewEncryptor(secret)
}
