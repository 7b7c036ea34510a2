package main

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/discordpkg/gateway/bench/voice/server"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
)

// A cipherCost is what one way to encrypt or decrypt a packet costs.
type cipherCost struct {
	Mode, Name string
	Time       float64 // nanoseconds, the median of all turns
	Ratio      float64 // beside the ciphers alone, the median of all turns
	Allocs     float64
}

// An operation works on packet i of a turn.
type operation struct {
	name    string
	prepare func() // what does not count, before each turn
	do      func(i int) error
}

// perTurn is how many packets an operation has in a turn.
const perTurn = 500

// costs measures operations in turns, after one that does not count. The first
// operation is what the others are compared with.
func costs(mode string, turns int, all []operation) ([]cipherCost, error) {
	times, ratios, allocs := make([][]float64, len(all)), make([][]float64, len(all)), make([]uint64, len(all))
	for turn := range turns + 1 {
		for k, op := range all {
			ns, n, err := op.turn()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", op.name, err)
			}
			if turn == 0 {
				continue
			}
			times[k] = append(times[k], ns)
			ratios[k] = append(ratios[k], ns/times[0][len(times[0])-1])
			allocs[k] += n
		}
	}
	list := make([]cipherCost, len(all))
	for k, op := range all {
		list[k] = cipherCost{mode, op.name, median(times[k]), median(ratios[k]), float64(allocs[k]) / float64(turns*perTurn)}
	}
	return list, nil
}

// turn returns the nanoseconds of one packet, and the allocations of all.
func (op operation) turn() (ns float64, allocs uint64, err error) {
	if op.prepare != nil {
		op.prepare()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for i := range perTurn {
		if err := op.do(i); err != nil {
			return 0, 0, err
		}
	}
	ns = float64(time.Since(began)) / perTurn
	runtime.ReadMemStats(&after)
	return ns, after.Mallocs - before.Mallocs, nil
}

func median(values []float64) float64 {
	values = slices.SortedFunc(slices.Values(values), cmp.Compare)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// Names of the operations.
const (
	bareSeal = "bare seal"
	seal     = "seal"
	bareOpen = "bare open"
	unseal   = "open"
	bareBoth = "two bare seals"
	daveSeal = "DAVE and seal"
	bareBack = "two bare opens"
	daveOpen = "open and DAVE"
)

// ciphers measures all of them.
func ciphers(turns int) (all []cipherCost, err error) {
	for _, mode := range rtp.Modes() {
		w, err := newWorkbench(mode)
		if err != nil {
			return nil, err
		}
		for _, group := range [][]operation{w.sealing(), w.opening(), w.sending(), w.receiving()} {
			list, err := costs(string(mode), turns, group)
			if err != nil {
				return nil, err
			}
			all = append(all, list...)
		}
	}
	return all, nil
}

// A workbench has what the operations need.
type workbench struct {
	inner, outer cipher.AEAD
	iv, nonce    []byte
	sealer       *rtp.Sealer
	opener       *rtp.Opener
	encryptor    *dave.Encryptor
	decryptor    dave.Decryptor
	stream       rtp.Stream
	packets      [perTurn][]byte // each with 1500 bytes of room
	scratch      []byte
	parsed       rtp.Packet
}

const headerSize = 12

func newWorkbench(mode rtp.Mode) (w *workbench, err error) {
	w = &workbench{stream: rtp.Stream{SSRC: 1}, scratch: make([]byte, 0, 1500)}
	secret := server.Key[:16]
	if w.inner, err = gcm(secret); err != nil {
		return nil, err
	}
	if w.outer, err = chacha20poly1305.NewX(server.Key[:]); mode == rtp.AES256GCM {
		w.outer, err = gcm(server.Key[:])
	}
	if err != nil {
		return nil, err
	}
	w.iv, w.nonce = make([]byte, w.inner.NonceSize()), make([]byte, w.outer.NonceSize())
	if w.sealer, err = rtp.NewSealer(mode, server.Key[:], rtp.ClientNonces()); err != nil {
		return nil, err
	}
	if w.opener, err = rtp.NewOpener(mode, server.Key[:]); err != nil {
		return nil, err
	}
	if w.encryptor, err = dave.NewEncryptor(secret); err != nil {
		return nil, err
	}
	for i := range w.packets {
		w.packets[i] = make([]byte, 0, 1500)
	}
	return w, w.decryptor.Add(time.Now(), secret)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
