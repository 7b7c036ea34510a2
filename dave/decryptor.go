package dave

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
)

// Why a frame was refused. Each concerns this frame alone.
var (
	// ErrUnencrypted reports a frame that is no protocol frame at a time when
	// all should be.
	ErrUnencrypted = errors.New("dave: the frame is not encrypted")

	// ErrNoKey reports a frame for which there is no key: its sender is not in
	// the group yet, or its epoch or generation is long over or out of reach.
	ErrNoKey = errors.New("dave: no key for the frame")

	// ErrReplay reports a frame that was seen before, or that is older than
	// the first one.
	ErrReplay = errors.New("dave: the nonce was used before")

	// ErrAuthentication reports a frame that none of the keys of its sender
	// belongs to, see [KeyError].
	ErrAuthentication = errors.New("dave: the frame is not authentic")
)

// A KeyError reports a frame that fits none of the keys that are known of its
// sender. It may be forged. Or it is of a newer epoch and has overtaken the
// commit that brings its key, since frames and messages take different ways:
// then it can be decrypted soon. So it matches [ErrAuthentication] and [ErrNoKey].
type KeyError struct {
	Epochs int // of which a key of the sender was tried
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("dave: the frame fits none of the keys of its sender, known are those of %d epochs: it is of a newer one, or forged", e.Epochs)
}

// Is reports whether target is [ErrAuthentication] or [ErrNoKey].
func (e *KeyError) Is(target error) bool { return target == ErrAuthentication || target == ErrNoKey }

// maxEpochs is how many epochs of a sender are kept while no transition is
// executed.
const maxEpochs = 8

// A Decryptor decrypts the frames of one sender, whatever their codec, over
// all epochs. The zero value has no keys and passes nothing but silence. It is
// not safe for concurrent use.
type Decryptor struct {
	epochs []*senderKeys // ascending
	clear  passThrough

	iv           [12]byte
	aad, sealed  []byte
	plain, check []byte
}

// Add gives d the base secret of its sender in a new epoch, 16 bytes, which it
// copies. Frames of older epochs are still decrypted, see [Decryptor.Retire].
// The error is [ErrSecret].
func (d *Decryptor) Add(now time.Time, secret []byte) error {
	var next uint64
	if n := len(d.epochs); n > 0 {
		next = d.epochs[n-1].era + 1
	}
	return d.add(now, next, secret)
}

// add is Add with a number for the epoch that is higher than those before.
func (d *Decryptor) add(now time.Time, era uint64, secret []byte) error {
	k, err := newSenderKeys(now, era, secret)
	if err != nil {
		return err
	}
	if len(d.epochs) == maxEpochs {
		d.epochs[0].wipe()
		d.epochs = slices.Delete(d.epochs, 0, 1)
	}
	d.epochs = append(d.epochs, k)
	return nil
}

// Retire says that the transition to the newest epoch has been executed: the
// others end ten seconds from now. So does by itself the first frame of a newer
// epoch.
//
// https://daveprotocol.com/#commit-handling
func (d *Decryptor) Retire(now time.Time) {
	if n := len(d.epochs); n > 0 {
		d.retire(now, d.epochs[n-1].era)
	}
}

// retire ends the epochs before era.
func (d *Decryptor) retire(now time.Time, era uint64) {
	for _, k := range d.epochs {
		if k.era < era && k.expires.IsZero() {
			k.expires = now.Add(keyLifetime)
		}
	}
}

// PassThrough allows frames that are not encrypted, or no longer does: those
// on their way still pass for ten seconds.
//
// https://daveprotocol.com/#passthrough-mode
func (d *Decryptor) PassThrough(now time.Time, allow bool) { d.clear.set(now, allow) }

// Decrypt appends the encoded frame of a protocol frame to dst, which may
// overlap it. It needs no memory but what dst has. The error is [ErrUnencrypted],
// [ErrNoKey], [ErrReplay] or a [*KeyError]; dst is then returned as it was.
func (d *Decryptor) Decrypt(dst, b []byte, now time.Time) ([]byte, error) {
	f, encrypted := parseFrame(b)
	switch {
	case isSilence(b), !encrypted && d.clear.allows(now):
		return append(dst, b...), nil
	case !encrypted:
		return dst, ErrUnencrypted
	}
	return d.decrypt(dst, &f, now)
}

// decrypt tries the newest keys first.
func (d *Decryptor) decrypt(dst []byte, f *frame, now time.Time) ([]byte, error) {
	d.Expire(now)
	aad, sealed := []byte(nil), f.media
	if len(f.ranges) > 0 {
		d.aad, d.sealed = f.split(d.aad[:0], d.sealed[:0])
		aad, sealed = d.aad, d.sealed
	}
	tried := 0
	for i := len(d.epochs) - 1; i >= 0; i-- {
		k := d.epochs[i]
		nonce := k.unwrap(f.nonce)
		aead, err := k.key(now, nonce)
		switch {
		case err != nil:
			return dst, err
		case aead == nil:
			continue
		case !d.open(aead, f, sealed, aad):
			// A nonce that was used in this epoch says nothing: another epoch counts anew.
			tried++
			continue
		case !k.window.fresh(nonce):
			return dst, ErrReplay
		}
		k.used(now, nonce)
		d.retire(now, k.era)
		return f.join(dst, aad, d.plain[:len(sealed)]), nil
	}
	if tried > 0 {
		return dst, &KeyError{Epochs: tried}
	}
	return dst, ErrNoKey
}

// open decrypts into d.plain and reports whether that is what was sent.
//
// Go's GCM opens no tag of eight bytes. But it encrypts with a key stream, so
// that encrypting twice gives the plaintext, and encrypting that gives the tag.
func (d *Decryptor) open(aead cipher.AEAD, f *frame, sealed, aad []byte) bool {
	binary.LittleEndian.PutUint32(d.iv[8:], f.nonce)
	d.plain = aead.Seal(d.plain[:0], d.iv[:], sealed, nil)
	d.check = aead.Seal(d.check[:0], d.iv[:], d.plain[:len(sealed)], aad)
	return subtle.ConstantTimeCompare(d.check[len(sealed):][:tagSize], f.tag) == 1
}

// Expire wipes the keys that are over. Decrypt does so by itself.
func (d *Decryptor) Expire(now time.Time) {
	n := 0
	for n < len(d.epochs) && deadline.Due(d.epochs[n].expires, now) {
		d.epochs[n].wipe()
		n++
	}
	if n > 0 {
		d.epochs = slices.Delete(d.epochs, 0, n)
	}
	for _, k := range d.epochs {
		k.expire(now)
	}
}

// NextDeadline returns when [Decryptor.Expire] has something to do, zero for
// never.
func (d *Decryptor) NextDeadline() time.Time {
	var next time.Time
	for _, k := range d.epochs {
		next = deadline.Earliest(next, k.deadline())
	}
	return next
}

// Wipe overwrites the secrets and forgets all keys.
func (d *Decryptor) Wipe() {
	for _, k := range d.epochs {
		k.wipe()
	}
	d.epochs = nil
}

// Format implements [fmt.Formatter] without keys.
func (d *Decryptor) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("dave decryptor of %d epochs", len(d.epochs)))
}

// passThrough says when frames that are not encrypted are taken. The zero value
// takes none.
type passThrough struct {
	always bool
	until  time.Time
}

func (p *passThrough) set(now time.Time, allow bool) {
	if p.always && !allow {
		p.until = now.Add(keyLifetime)
	}
	p.always = allow
}

// extend takes them until then at least.
func (p *passThrough) extend(until time.Time) {
	if until.After(p.until) {
		p.until = until
	}
}

func (p *passThrough) allows(now time.Time) bool { return p.always || now.Before(p.until) }
