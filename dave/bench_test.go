package dave

import (
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/discordpkg/gateway/internal/rtp"
)

// frameSize is that of 20 ms of Opus at 64 kbit/s, Discord's default.
const frameSize = 160

// BenchmarkSend is a frame from the encoder to the socket: encrypted end to
// end, put into a packet and sealed. Bare is what the two ciphers alone cost.
func BenchmarkSend(b *testing.B) {
	const header = 12
	for _, mode := range rtp.Modes() {
		frame, packet := make([]byte, frameSize), make([]byte, 1500)
		b.Run(string(mode)+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			inner, outer := gcm(b, testSecret), transport(b, mode)
			iv, nonce := make([]byte, inner.NonceSize()), make([]byte, outer.NonceSize())
			for b.Loop() {
				out := inner.Seal(packet[:header], iv, frame, nil)
				outer.Seal(packet[:header], nonce, out[header:header+frameSize+12], packet[:header])
			}
		})
		b.Run(string(mode)+"/DAVE", func(b *testing.B) {
			b.ReportAllocs()
			e, _ := pair(b)
			sealer, err := rtp.NewSealer(mode, make([]byte, rtp.KeySize), rtp.ClientNonces())
			require.NoError(b, err)
			stream, encrypted := rtp.Stream{SSRC: 1}, make([]byte, 0, 1500)
			for b.Loop() {
				encrypted, err = e.Encrypt(encrypted[:0], frame, Opus)
				if err != nil {
					b.Fatal(err)
				}
				p := rtp.Packet{Header: stream.Next(960), Payload: encrypted}
				n, err := p.MarshalTo(packet)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := sealer.Seal(packet[:n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncrypt(b *testing.B) {
	b.ReportAllocs()
	e, _ := pair(b)
	var dst []byte
	frame := make([]byte, frameSize)
	for b.Loop() {
		dst, _ = e.Encrypt(dst[:0], frame, Opus)
	}
}

func BenchmarkDecrypt(b *testing.B) {
	b.ReportAllocs()
	e, d := pair(b)
	sealed := encrypt(b, e, string(make([]byte, frameSize)))
	var dst []byte
	for b.Loop() {
		var err error
		if dst, err = d.Decrypt(dst[:0], sealed, epoch); err != nil {
			b.Fatal(err)
		}
		d.epochs[0].window.open = false // forget the nonce
	}
}

func BenchmarkEncryptH264(b *testing.B) {
	b.ReportAllocs()
	e, _ := pair(b)
	frame := append([]byte("\x00\x00\x00\x01\x41\xe0"), make([]byte, 8000)...)
	for i := range frame[6:] {
		frame[6+i] = byte(i)
	}
	b.SetBytes(int64(len(frame)))
	var dst []byte
	for b.Loop() {
		dst, _ = e.Encrypt(dst[:0], frame, H264)
	}
}

func gcm(b *testing.B, key []byte) cipher.AEAD {
	b.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(b, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(b, err)
	return aead
}

func transport(b *testing.B, mode rtp.Mode) cipher.AEAD {
	b.Helper()
	key := make([]byte, rtp.KeySize)
	if mode == rtp.AES256GCM {
		return gcm(b, key)
	}
	aead, err := chacha20poly1305.NewX(key)
	require.NoError(b, err)
	return aead
}
