package caller

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/discordpkg/gateway/bench/voice/server"
	"github.com/discordpkg/gateway/internal/rtp"
)

// bare is the least that sending and receiving can cost: a connected socket
// and, for the floor, the cipher of the standard library.
type bare struct {
	at    server.Address
	seals bool
}

type bareCall struct {
	conn   net.Conn
	ssrc   uint32
	aead   cipher.AEAD // nil for the socket
	nonce  [12]byte
	count  uint32
	buffer []byte
	tap    *Tap
}

const headerSize = 12

// Open finds its own address, as all clients do.
func (b *bare) Open(_ context.Context, guild int, tap *Tap) (Call, error) {
	conn, err := net.Dial("udp", b.at.Media)
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	c := &bareCall{conn: conn, ssrc: 1<<20 + uint32(guild), buffer: make([]byte, 2048), tap: tap} //nolint:gosec // hundreds
	if b.seals {
		block, err := aes.NewCipher(server.Key[:])
		if err != nil {
			return nil, fmt.Errorf("caller: %w", err)
		}
		if c.aead, err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("caller: %w", err)
		}
	}
	if _, err := conn.Write(rtp.AppendDiscoveryRequest(nil, c.ssrc)); err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	_, err = conn.Read(c.buffer)
	return c, err
}

// patience is how long anything may take that happens at once.
const patience = 2 * time.Second

// Send sends a header and the frame.
func (c *bareCall) Send(frame []byte) error {
	c.count++
	b := append(c.buffer[:0], 0x80, 0x78, byte(c.count>>8), byte(c.count))
	b = binary.BigEndian.AppendUint32(b, 960*c.count)
	b = binary.BigEndian.AppendUint32(b, c.ssrc)
	if c.aead == nil {
		b = append(b, frame...)
	} else {
		binary.BigEndian.PutUint32(c.nonce[:], c.count)
		b = c.aead.Seal(b, c.nonce[:], frame, b)
	}
	b = append(b, c.nonce[:4]...)
	c.tap.packet(len(b))
	_, err := c.conn.Write(b)
	return err
}

// Receive reads, and opens what it reads.
func (c *bareCall) Receive(_ context.Context, n int) error {
	begin := func() error { return c.conn.SetReadDeadline(time.Now().Add(patience)) }
	return bursts(c.conn, n, begin, func() error {
		size, err := c.conn.Read(c.buffer)
		if err != nil {
			return lost(err)
		}
		if c.aead == nil {
			return nil
		}
		b := c.buffer[:size]
		copy(c.nonce[:], b[size-4:])
		_, err = c.aead.Open(b[headerSize:headerSize], c.nonce[:], b[headerSize:size-4], b[:headerSize])
		return err
	})
}

// lost translates the error of a deadline.
func lost(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrLost
	}
	return err
}

// Play sleeps until the next frame is due.
func (c *bareCall) Play(ctx context.Context, frame []byte) error {
	go func() {
		for next := time.Now(); ctx.Err() == nil; next = next.Add(20 * time.Millisecond) {
			time.Sleep(time.Until(next))
			_ = c.Send(frame)
		}
	}()
	return nil
}
