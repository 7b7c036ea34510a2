package main

import (
	"time"

	"github.com/discordpkg/gateway/bench/voice/server"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
)

// clear makes the packets plain ones.
func (w *workbench) clear() {
	for i := range w.packets {
		w.packets[i] = w.marshal(w.packets[i], server.Frame)
	}
}

func (w *workbench) marshal(b, payload []byte) []byte {
	p := rtp.Packet{Header: w.stream.Next(960), Payload: payload}
	n, err := p.MarshalTo(b[:cap(b)])
	if err != nil {
		panic(err) // it has room
	}
	return b[:n]
}

// sealed makes the packets sealed ones, encrypted end to end if need be.
func (w *workbench) sealed(encrypted bool) {
	for i, b := range w.packets {
		payload := server.Frame
		if encrypted {
			payload, _ = w.encryptor.Encrypt(w.scratch[:0], server.Frame, dave.Opus)
		}
		w.packets[i], _ = w.sealer.Seal(w.marshal(b, payload))
	}
}

// sealing is a plain packet to be sealed.
func (w *workbench) sealing() []operation {
	return []operation{
		{bareSeal, w.clear, func(i int) error {
			b := w.packets[i]
			w.outer.Seal(b[:headerSize], w.nonce, b[headerSize:], b[:headerSize])
			return nil
		}},
		{seal, w.clear, func(i int) error {
			_, err := w.sealer.Seal(w.packets[i])
			return err
		}},
	}
}

// tail is the part of the nonce that is in the packet.
const tail = 4

// opening is a sealed packet to be opened.
func (w *workbench) opening() []operation {
	sealed := func() { w.sealed(false) }
	return []operation{
		{bareOpen, sealed, func(i int) error {
			_, err := w.bareOpen(w.packets[i])
			return err
		}},
		{unseal, sealed, func(i int) error {
			_, err := w.opener.Open(w.packets[i])
			return err
		}},
	}
}

func (w *workbench) bareOpen(b []byte) ([]byte, error) {
	end := len(b) - tail
	copy(w.nonce, b[end:])
	return w.outer.Open(b[headerSize:headerSize], w.nonce, b[headerSize:end], b[:headerSize])
}

// daveTag is how much longer an encrypted frame is.
const daveTag = 12

// sending is a frame from the encoder to the socket.
func (w *workbench) sending() []operation {
	return []operation{
		{bareBoth, nil, func(i int) error {
			b := w.inner.Seal(w.packets[i][:headerSize], w.iv, server.Frame, nil)
			w.outer.Seal(b[:headerSize], w.nonce, b[headerSize:headerSize+len(server.Frame)+daveTag], b[:headerSize])
			return nil
		}},
		{daveSeal, nil, func(i int) (err error) {
			if w.scratch, err = w.encryptor.Encrypt(w.scratch[:0], server.Frame, dave.Opus); err != nil {
				return err
			}
			_, err = w.sealer.Seal(w.marshal(w.packets[i], w.scratch))
			return err
		}},
	}
}

// receiving is a packet from the socket to the decoder. What the ciphers alone
// take is two packets opened.
func (w *workbench) receiving() []operation {
	var ends [perTurn][]byte
	now := time.Now()
	return []operation{
		{bareBack, func() {
			w.sealed(false)
			for i := range ends {
				copy(w.iv, w.packets[i][:4])
				ends[i] = w.inner.Seal(ends[i][:0], w.iv, server.Frame, nil)
			}
		}, func(i int) error {
			b := w.packets[i]
			copy(w.iv, b[:4])
			if _, err := w.bareOpen(b); err != nil {
				return err
			}
			_, err := w.inner.Open(ends[i][:0], w.iv, ends[i], nil)
			return err
		}},
		{daveOpen, func() { w.sealed(true) }, func(i int) error {
			b, err := w.opener.Open(w.packets[i])
			if err != nil {
				return err
			}
			if err := w.parsed.Unmarshal(b); err != nil {
				return err
			}
			w.scratch, err = w.decryptor.Decrypt(w.scratch[:0], w.parsed.Payload, now)
			return err
		}},
	}
}
