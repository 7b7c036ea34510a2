package rtp

import (
	"crypto/cipher"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// frameSize is that of 20 ms of Opus at 64 kbit/s, Discord's default.
const frameSize = 160

// audio returns a packet in clear with room to seal it.
func audio(tb testing.TB, s *Stream) []byte {
	tb.Helper()
	b := make([]byte, 1500)
	p := Packet{Header: s.Next(960), Payload: make([]byte, frameSize)}
	n, err := p.MarshalTo(b)
	require.NoError(tb, err)
	return b[:n]
}

// TestPacketsDoNotAllocate, neither good ones nor those that are refused.
func TestPacketsDoNotAllocate(t *testing.T) {
	for _, mode := range Modes() {
		sealer, opener := newSealer(t, mode, ClientNonces()), newOpener(t, mode)
		stream := Stream{SSRC: testSSRC}
		buffer, frame := make([]byte, 1500), make([]byte, frameSize)
		var got Packet
		var tail Tail
		round := func() {
			p := Packet{Header: stream.Next(960), Payload: frame, PaddingSize: 3}
			tail.Sent(frame)
			n, _ := p.MarshalTo(buffer)
			sealed, _ := sealer.Seal(buffer[:n])
			if KindOf(sealed) != KindRTP {
				t.Fatal("no RTP")
			}
			opened, err := opener.Open(sealed)
			if err != nil || got.Unmarshal(opened) != nil || len(got.Payload) != frameSize {
				t.Fatal("does not open")
			}
		}
		require.Zero(t, testing.AllocsPerRun(100, round), mode)

		forged := append(plain(), make([]byte, 100)...)
		refused := func() {
			_, err := opener.Open(forged)
			if !errors.Is(err, ErrOpen) || !errors.Is(got.Unmarshal(forged[:5]), ErrShort) || KindOf(forged[:9]) != KindUnknown {
				t.Fatal("not refused")
			}
		}
		require.Zero(t, testing.AllocsPerRun(100, refused), mode)
	}

	var k Keepalive
	k.Start(epoch)
	now, buffer := epoch, make([]byte, 0, KeepaliveSize)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b := k.HandleTimeout(now, buffer)
		now = now.Add(KeepaliveInterval)
		if !k.Handle(now, b) {
			t.Fatal("not its own")
		}
	}))
}

func BenchmarkSeal(b *testing.B) {
	for _, mode := range Modes() {
		packet := audio(b, &Stream{SSRC: testSSRC})
		b.Run(string(mode)+"/bare", func(b *testing.B) {
			aead, nonce := bare(b, mode)
			for b.Loop() {
				aead.Seal(packet[:fixedSize], nonce, packet[fixedSize:], packet[:fixedSize])
			}
		})
		b.Run(string(mode)+"/Sealer", func(b *testing.B) {
			b.ReportAllocs()
			s := newSealer(b, mode, ClientNonces())
			for b.Loop() {
				if _, err := s.Seal(packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, mode := range Modes() {
		s := newSealer(b, mode, ServerNonces())
		sealed, err := s.Seal(audio(b, &Stream{SSRC: testSSRC}))
		require.NoError(b, err)
		packet := slices.Clone(sealed)
		b.Run(string(mode)+"/bare", func(b *testing.B) {
			aead, nonce := bare(b, mode)
			copy(nonce, sealed[len(sealed)-nonceSuffix:])
			for b.Loop() {
				copy(packet, sealed)
				if _, err := aead.Open(packet[:fixedSize], nonce, packet[fixedSize:len(packet)-nonceSuffix], packet[:fixedSize]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(mode)+"/Opener", func(b *testing.B) {
			b.ReportAllocs()
			o := newOpener(b, mode)
			for b.Loop() {
				copy(packet, sealed)
				if _, err := o.Open(packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// bare returns the cipher alone, and room for its nonce.
func bare(b *testing.B, mode Mode) (cipher.AEAD, []byte) {
	b.Helper()
	b.ReportAllocs()
	aead, err := mode.aead(testKey(1))
	require.NoError(b, err)
	return aead, make([]byte, aead.NonceSize())
}

func BenchmarkUnmarshal(b *testing.B) {
	b.ReportAllocs()
	packet := audio(b, &Stream{SSRC: testSSRC})
	var p Packet
	for b.Loop() {
		if err := p.Unmarshal(packet); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalTo(b *testing.B) {
	b.ReportAllocs()
	s := Stream{SSRC: testSSRC}
	buffer, frame := make([]byte, 1500), make([]byte, frameSize)
	for b.Loop() {
		p := Packet{Header: s.Next(960), Payload: frame}
		if _, err := p.MarshalTo(buffer); err != nil {
			b.Fatal(err)
		}
	}
}
