package rtp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func testKey(b byte) []byte { return bytes.Repeat([]byte{b}, KeySize) }

func newSealer(tb testing.TB, mode Mode, n Nonces) *Sealer {
	tb.Helper()
	s, err := NewSealer(mode, testKey(1), n)
	require.NoError(tb, err)
	return s
}

func newOpener(tb testing.TB, mode Mode) *Opener {
	tb.Helper()
	o, err := NewOpener(mode, testKey(1))
	require.NoError(tb, err)
	return o
}

// suffix is the nonce that a sealed packet carries.
func suffix(tb testing.TB, s *Sealer) uint32 {
	tb.Helper()
	sealed, err := s.Seal(plain())
	require.NoError(tb, err)
	return binary.BigEndian.Uint32(sealed[len(sealed)-4:])
}

func TestSealGrows(t *testing.T) {
	for _, mode := range Modes() {
		s, o := newSealer(t, mode, ClientNonces()), newOpener(t, mode)
		packet := slices.Clip(append(plain(), "frame"...))
		sealed, err := s.Seal(packet)
		require.NoError(t, err)
		require.Len(t, sealed, len(packet)+Overhead)
		require.NotSame(t, &packet[0], &sealed[0])
		require.Equal(t, append(plain(), "frame"...), packet, "no room, so it was moved")
		got, err := o.Open(sealed)
		require.NoError(t, err)
		require.Equal(t, packet, got)
	}
}

// TestForward is what a server does: from one client's key to another's, with
// extension and padding as they came.
func TestForward(t *testing.T) {
	for _, v := range vectors(t) {
		in, err := NewOpener(v.Mode, v.Key)
		require.NoError(t, err)
		opened, err := in.Open(slices.Clone(v.Sealed))
		require.NoError(t, err)
		packet, err := newSealer(t, XChaCha20Poly1305, ServerNonces()).Seal(opened)
		require.NoError(t, err)
		require.Same(t, &opened[0], &packet[0], "the room of the old tag is there for the new one")
		got, err := newOpener(t, XChaCha20Poly1305).Open(packet)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Plain), got)
	}
}

// TestNonceCounts: incrementing a copy of the counter seals everything with
// one nonce, and everything still decrypts.
func TestNonceCounts(t *testing.T) {
	s := newSealer(t, AES256GCM, ClientNonces())
	copied := *s
	for want := uint32(0); want < 1000; want += 2 {
		require.Equal(t, want, suffix(t, s))
		require.Equal(t, want+1, suffix(t, &copied), "copies count together")
	}
	require.Equal(t, Nonces{Next: 1000, Left: 1<<31 - 1000}, s.Nonces())
}

func TestNoncesEnd(t *testing.T) {
	s := newSealer(t, AES256GCM, Nonces{Next: 1<<32 - 2, Left: 2})
	require.Equal(t, uint32(1<<32-2), suffix(t, s))
	require.Equal(t, uint32(1<<32-1), suffix(t, s))
	packet := plain()
	_, err := s.Seal(packet)
	require.ErrorIs(t, err, ErrNonces, "not the first one again")
	require.Equal(t, plain(), packet, "nothing leaves in clear or twice with a nonce")

	require.NoError(t, s.Rekey(AES256GCM, testKey(2), ClientNonces()))
	require.Equal(t, uint32(0), suffix(t, s), "a new key")
}

func TestNoncesMayNotWrap(t *testing.T) {
	for _, n := range []Nonces{{Next: 1, Left: 1<<32 - 1}, ClientNonces(), ServerNonces(), {}} {
		require.False(t, n.wraps(), "%+v", n)
	}
	_, err := NewSealer(AES256GCM, testKey(1), Nonces{Next: 2, Left: 1<<32 - 1})
	require.ErrorIs(t, err, ErrNonceRange)
}

// TestEndsShareNoNonce: the key is the same in both directions.
func TestEndsShareNoNonce(t *testing.T) {
	c, s := ClientNonces(), ServerNonces()
	require.Equal(t, c.Next+c.Left, s.Next)
	require.Equal(t, uint32(0), s.Next+s.Left, "up to the end")
	require.Equal(t, c.Next, uint32(0))
}

func TestNoncesLow(t *testing.T) {
	require.False(t, ClientNonces().Low())
	require.False(t, Nonces{Left: 60000}.Low())
	require.True(t, Nonces{Left: 59999}.Low())
	require.True(t, Nonces{}.Low())
}

// TestRekeyWithTheSameKey: a Session Description that arrives twice.
func TestRekeyWithTheSameKey(t *testing.T) {
	s := newSealer(t, AES256GCM, ClientNonces())
	suffix(t, s)
	copied := *s
	require.NoError(t, s.Rekey(AES256GCM, testKey(1), ClientNonces()))
	require.Equal(t, uint32(1), suffix(t, s))
	require.NoError(t, s.Rekey(XChaCha20Poly1305, testKey(1), ClientNonces()))
	require.Equal(t, uint32(2), suffix(t, s))
	require.Equal(t, uint32(3), suffix(t, &copied), "still one counter for one key")

	require.NoError(t, s.Rekey(AES256GCM, testKey(2), Nonces{Next: 7, Left: 1}))
	require.Equal(t, uint32(7), suffix(t, s))
	require.Equal(t, uint32(4), suffix(t, &copied), "the copy still has the old key")
}

func TestRekeyRefuses(t *testing.T) {
	s := newSealer(t, AES256GCM, ClientNonces())
	suffix(t, s)
	require.ErrorIs(t, s.Rekey("plain", testKey(2), ClientNonces()), ErrNoMode)
	require.ErrorIs(t, s.Rekey(AES256GCM, testKey(2)[1:], ClientNonces()), ErrKeySize)
	require.ErrorIs(t, s.Rekey(AES256GCM, testKey(2), Nonces{Next: 2, Left: 1<<32 - 1}), ErrNonceRange)
	require.Equal(t, uint32(1), suffix(t, s), "goes on as before")
	s.Close()
	require.ErrorIs(t, s.Rekey(AES256GCM, testKey(2), ClientNonces()), ErrClosed)
}

func TestSealRefuses(t *testing.T) {
	s := newSealer(t, AES256GCM, ClientNonces())
	rtcp := plain()
	rtcp[1] = 200
	for _, tt := range []struct {
		b    []byte
		want error
	}{
		{nil, ErrShort},
		{plain()[:11], ErrShort},
		{make([]byte, 12), ErrVersion},
		{rtcp, ErrRTCP},
	} {
		_, err := s.Seal(tt.b)
		require.ErrorIs(t, err, tt.want)
	}
	require.Equal(t, ClientNonces(), s.Nonces(), "no nonce is lost")
}

func TestOpenRefuses(t *testing.T) {
	o := newOpener(t, AES256GCM)
	extended := append(plain(), make([]byte, 23)...)
	extended[0] |= 0x10
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, ErrShort},
		{"no room for a tag", append(plain(), make([]byte, Overhead-1)...), ErrShort},
		{"the extension takes the room of the tag", extended, ErrShort},
		{"zeros", make([]byte, 100), ErrVersion},
		{"no tag", append(plain(), make([]byte, Overhead)...), ErrOpen},
	} {
		_, err := o.Open(tt.b)
		require.ErrorIs(t, err, tt.want, tt.name)
	}
	_, err := NewOpener(AES256GCM, nil)
	require.ErrorIs(t, err, ErrKeySize)
}

// TestOtherByteOrder: a sender may count in little endian, or not at all.
func TestOtherByteOrder(t *testing.T) {
	for _, mode := range Modes() {
		s, o := newSealer(t, mode, Nonces{Next: 0x01000000, Left: 1}), newOpener(t, mode)
		sealed, err := s.Seal(plain())
		require.NoError(t, err)
		require.Equal(t, []byte{1, 0, 0, 0}, sealed[len(sealed)-4:])
		_, err = o.Open(sealed)
		require.NoError(t, err)
	}
}

func TestClose(t *testing.T) {
	s, o := newSealer(t, AES256GCM, ClientNonces()), newOpener(t, AES256GCM)
	at := s.key()
	require.Equal(t, testKey(1), at[:])
	s.Close()
	o.Close()
	require.Equal(t, make([]byte, KeySize), at[:], "wiped")
	_, err := s.Seal(plain())
	require.ErrorIs(t, err, ErrClosed)
	_, err = o.Open(append(plain(), make([]byte, Overhead)...))
	require.ErrorIs(t, err, ErrClosed)
	s.Close()
	o.Close()
}

func TestRekeyWipes(t *testing.T) {
	s := newSealer(t, AES256GCM, ClientNonces())
	at := s.key()
	require.NoError(t, s.Rekey(AES256GCM, testKey(2), ClientNonces()))
	require.Equal(t, make([]byte, KeySize), at[:])
}

// TestKeyIsTheCallers: what the caller does with the key does not matter.
func TestKeyIsTheCallers(t *testing.T) {
	for _, mode := range Modes() {
		key := testKey(1)
		s, err := NewSealer(mode, key, ClientNonces())
		require.NoError(t, err)
		clear(key)
		sealed, err := s.Seal(plain())
		require.NoError(t, err)
		_, err = newOpener(t, mode).Open(sealed)
		require.NoError(t, err)
		require.Equal(t, make([]byte, KeySize), key)
	}
}

func TestNoVerbPrintsTheKey(t *testing.T) {
	key := []byte("the key that nobody may see 1234")
	for _, mode := range Modes() {
		s, err := NewSealer(mode, key, ClientNonces())
		require.NoError(t, err)
		o, err := NewOpener(mode, key)
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, x := range []any{s, *s, o, *o, struct{ S *Sealer }{s}, []Sealer{*s}, map[int]Opener{0: *o}} {
				out := fmt.Sprintf(verb, x)
				for _, form := range []string{"nobody", hex.EncodeToString(key[:6]), strconv.Itoa(int(key[0])) + " " + strconv.Itoa(int(key[1])), "0x74, 0x68"} {
					require.NotContains(t, strings.ToLower(out), form, "%s of %T", verb, x)
				}
			}
		}
	}
	require.Equal(t, "rtp.Sealer rtp.Opener", fmt.Sprint(&Sealer{}, " ", &Opener{}))
}
