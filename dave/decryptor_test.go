package dave

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func pair(t testing.TB) (*Encryptor, *Decryptor) {
	t.Helper()
	e, err := NewEncryptor(testSecret)
	require.NoError(t, err)
	d := &Decryptor{}
	require.NoError(t, d.Add(epoch, testSecret))
	return e, d
}

func encrypt(t testing.TB, e *Encryptor, frame string) []byte {
	t.Helper()
	b, err := e.Encrypt(nil, []byte(frame), Opus)
	require.NoError(t, err)
	return b
}

func requireFrame(t testing.TB, d *Decryptor, now time.Time, want string, b []byte) {
	t.Helper()
	got, err := d.Decrypt(nil, b, now)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

func requireRefused(t testing.TB, d *Decryptor, now time.Time, want error, b []byte) {
	t.Helper()
	got, err := d.Decrypt([]byte("dst"), b, now)
	require.ErrorIs(t, err, want)
	require.Equal(t, "dst", string(got))
}

// TestFrameBytes compares a frame with one made by hand.
func TestFrameBytes(t *testing.T) {
	e, d := pair(t)
	for n := range uint32(300) {
		got, err := e.Encrypt([]byte("before"), []byte("opus"), Opus)
		require.NoError(t, err)

		iv := make([]byte, 12)
		binary.LittleEndian.PutUint32(iv[8:], n+1)
		want := testKey(t, 0).Seal([]byte("before"), iv, []byte("opus"), nil)
		want = appendULEB128(want[:6+4+8], n+1)
		want = append(want, byte(len(want)-6-4+3), 0xfa, 0xfa)
		require.Equal(t, want, got)
		require.LessOrEqual(t, len(got), 6+4+MaxOverhead)
		require.True(t, IsEncrypted(got[6:]))
		requireFrame(t, d, epoch, "opus", got[6:])
	}
	require.False(t, IsEncrypted([]byte("opus")))
}

func TestDecryptInPlace(t *testing.T) {
	e, d := pair(t)
	b := encrypt(t, e, "opus")
	got, err := d.Decrypt(b[:0], b, epoch)
	require.NoError(t, err)
	require.Equal(t, "opus", string(got))

	const picture = "\x00\x00\x00\x01\x65\xe0first\x00\x00\x00\x01\x65\xe0second"
	for shift := range 9 {
		b, err := e.Encrypt(nil, []byte(picture), H264)
		require.NoError(t, err)
		got, err := d.Decrypt(b[:shift], b, epoch)
		require.NoError(t, err)
		require.Equal(t, picture, string(got[shift:]), "%d bytes behind the beginning of the frame", shift)
	}
}

func TestDecryptRefuses(t *testing.T) {
	e, d := pair(t)
	early := encrypt(t, e, "first of all")
	first, second, third := encrypt(t, e, "one"), encrypt(t, e, "two"), encrypt(t, e, "three")
	requireRefused(t, &Decryptor{}, epoch, ErrNoKey, first)
	requireFrame(t, d, epoch, "one", first)
	requireFrame(t, d, epoch, "three", third)
	requireFrame(t, d, epoch, "two", second)
	requireRefused(t, d, epoch, ErrReplay, first)
	requireRefused(t, d, epoch, ErrReplay, second)
	requireRefused(t, d, epoch, ErrReplay, early)
	requireRefused(t, d, epoch, ErrUnencrypted, []byte("plain"))

	fourth := encrypt(t, e, "four")
	for i := range len(fourth) - trailerSize - 1 { // the nonce apart
		b := bytes.Clone(fourth)
		b[i] ^= 1
		requireRefused(t, d, epoch, ErrAuthentication, b)
	}
	requireFrame(t, d, epoch, "four", fourth)

	e.Wipe()
	_, err := e.Encrypt(nil, nil, Opus)
	require.ErrorIs(t, err, ErrWiped)
	_, err = e.Encrypt(nil, nil, VP8)
	require.ErrorIs(t, err, ErrWiped)
	d.Wipe()
	requireRefused(t, d, epoch, ErrNoKey, fourth)
}

func TestSilencePasses(t *testing.T) {
	requireFrame(t, &Decryptor{}, epoch, "\xf8\xff\xfe", []byte{0xf8, 0xff, 0xfe})
	requireRefused(t, &Decryptor{}, epoch, ErrUnencrypted, []byte{0xf8, 0xff, 0xff})
}

func TestPassThrough(t *testing.T) {
	e, d := pair(t)
	clear := []byte("not encrypted")
	d.PassThrough(epoch, false)
	requireRefused(t, d, epoch, ErrUnencrypted, clear)
	d.PassThrough(epoch, true)
	requireFrame(t, d, epoch.Add(time.Hour), string(clear), clear)
	requireFrame(t, d, epoch, "opus", encrypt(t, e, "opus"))
	d.PassThrough(epoch, false)
	d.PassThrough(epoch.Add(time.Second), false)
	requireFrame(t, d, epoch.Add(keyLifetime-1), string(clear), clear)
	requireRefused(t, d, epoch.Add(keyLifetime), ErrUnencrypted, clear)
}

func TestOldEpochs(t *testing.T) {
	e, d := pair(t)
	require.Zero(t, d.NextDeadline())
	one, two, three := encrypt(t, e, "one"), encrypt(t, e, "two"), encrypt(t, e, "three")
	next, err := NewEncryptor([]byte("fedcba9876543210"))
	require.NoError(t, err)
	require.NoError(t, d.Add(epoch, []byte("fedcba9876543210")))
	require.ErrorIs(t, d.Add(epoch, nil), ErrSecret)

	requireFrame(t, d, epoch.Add(time.Minute), "one", one)
	require.Zero(t, d.NextDeadline(), "no transition yet")
	at := epoch.Add(time.Minute)
	d.Retire(at)
	require.Equal(t, at.Add(keyLifetime), d.NextDeadline())
	d.Retire(at.Add(time.Second))
	require.Equal(t, at.Add(keyLifetime), d.NextDeadline(), "once is enough")
	requireFrame(t, d, at, "new", encrypt(t, next, "new"))
	requireFrame(t, d, at.Add(keyLifetime-1), "two", two)
	old := d.epochs[0].ratchet.secret()
	requireRefused(t, d, at.Add(keyLifetime), ErrAuthentication, three)
	require.Equal(t, make([]byte, 32), old, "wiped")
	require.Zero(t, d.NextDeadline())
	(&Decryptor{}).Retire(at)
}

func TestFirstFrameOfAnEpochRetires(t *testing.T) {
	e, d := pair(t)
	old := encrypt(t, e, "old")
	require.NoError(t, d.Add(epoch, []byte("fedcba9876543210")))
	next, err := NewEncryptor([]byte("fedcba9876543210"))
	require.NoError(t, err)
	requireFrame(t, d, epoch, "new", encrypt(t, next, "new"))
	require.Equal(t, epoch.Add(keyLifetime), d.NextDeadline())
	requireFrame(t, d, epoch, "old", old)
}

func TestEpochsAreBounded(t *testing.T) {
	e, d := pair(t)
	for i := range 2 * maxEpochs {
		require.NoError(t, d.Add(epoch, bytes.Repeat([]byte{byte(i)}, 16)))
	}
	require.Len(t, d.epochs, maxEpochs)
	requireRefused(t, d, epoch, ErrAuthentication, encrypt(t, e, "old"))
}

// at moves the sender to just before a nonce.
func at(t testing.TB, e *Encryptor, nonce uint64) {
	t.Helper()
	e.count = nonce - 1
}

const dayOfAGeneration = 24 * time.Hour // at most 28 hours at the highest rate, at least one after two of them

func TestGenerations(t *testing.T) {
	e, d := pair(t)
	requireFrame(t, d, epoch, "0", encrypt(t, e, "0"))
	now := epoch.Add(2 * dayOfAGeneration)
	at(t, e, 1<<generationBits-2)
	late, missed := encrypt(t, e, "late"), encrypt(t, e, "missed")
	first := encrypt(t, e, "1")

	requireRefused(t, d, epoch.Add(dayOfAGeneration), ErrNoKey, first)
	requireFrame(t, d, now, "1", first)
	require.Equal(t, now.Add(keyLifetime), d.NextDeadline())
	requireFrame(t, d, now.Add(keyLifetime-1), "late", late)
	requireRefused(t, d, now.Add(keyLifetime), ErrNoKey, missed)
	require.Zero(t, d.NextDeadline())
	requireRefused(t, d, now.Add(keyLifetime), ErrReplay, first)
}

func TestGenerationWraps(t *testing.T) {
	e, d := pair(t)
	for _, generation := range []uint64{0, 200, 255, 256, 257, 500, 512} {
		now := epoch.Add(time.Duration(generation+1) * 2 * dayOfAGeneration)
		at(t, e, generation<<generationBits|7)
		b := encrypt(t, e, "frame")
		f, ok := parseFrame(b)
		require.True(t, ok)
		require.EqualValues(t, generation<<generationBits|7, uint64(f.nonce)|generation>>8<<32, "the nonce is cut to 32 bits")
		requireFrame(t, d, now, "frame", b)
		requireRefused(t, d, now, ErrReplay, b)
		require.LessOrEqual(t, len(d.epochs[0].keys), 300)
		d.Expire(now.Add(keyLifetime))
		require.Len(t, d.epochs[0].keys, 1)
	}
}

func TestGenerationGap(t *testing.T) {
	_, d := pair(t)
	now := epoch.Add(1e6 * time.Hour)
	iv := make([]byte, 12)
	for generation, want := range map[int]error{maxGenerationGap: ErrAuthentication, maxGenerationGap + 1: ErrNoKey} {
		b := append([]byte("forged"), testKey(t, 0).Seal(nil, iv, nil, nil)[:8]...)
		b = appendULEB128(b, uint32(generation<<generationBits))
		b = append(b, byte(len(b)-6+3), marker, marker)
		requireRefused(t, d, now, want, b)
	}
	e, err := NewEncryptor(testSecret)
	require.NoError(t, err)
	requireFrame(t, d, now, "still", encrypt(t, e, "still"))
}

// TestReorderedFrames delivers frames in random order, some twice.
func TestReorderedFrames(t *testing.T) {
	e, d := pair(t)
	frames := make([][]byte, 1500)
	for i := range frames {
		frames[i] = encrypt(t, e, string(rune('a'+i%26)))
	}
	requireFrame(t, d, epoch, "a", frames[0])
	r := rand.New(rand.NewPCG(1, 2))
	for _, i := range r.Perm(len(frames) - 1) {
		requireFrame(t, d, epoch, string(rune('a'+(i+1)%26)), frames[i+1])
		requireRefused(t, d, epoch, ErrReplay, frames[i+1])
	}
}
