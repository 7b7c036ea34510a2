package audio

import (
	"strings"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
)

// A track is the one of Opus in a WebM file.
type track struct {
	number uint64
	head   OpusHead
	delay  time.Duration // playing time of what is not for the ear at the beginning
	prefix []byte        // what all packets begin with, and was left out of them
}

const (
	trackAudio    = 2
	codecOpus     = "A_OPUS"
	headersOnly   = 3 // compression that leaves out what all packets begin with
	maxPrefix     = 255
	maxDepth      = 2 // of what is in ContentEncodings
	maxNames      = 8 // of codecs, in an error
	maxCodecDelay = uint64(10 * time.Second)
)

// trackEntry is what a track says about itself.
type trackEntry struct {
	track
	kind    uint64
	codec   string
	private []byte
	sealed  bool // compressed or encrypted
	delayed bool // the delay is in the file
}

// findTrack returns the first track of Opus. If there is none, the error says
// what there is.
func findTrack(tracks []byte) (track, error) {
	var found *trackEntry
	var others []string
	err := each(tracks, func(e element) error {
		if e.id != idTrack || found != nil {
			return nil
		}
		var t trackEntry
		if err := each(e.data, t.set); err != nil {
			return err
		}
		if t.codec == codecOpus {
			found = &t
		} else if t.kind == trackAudio && len(others) < maxNames {
			others = append(others, codecName(t.codec))
		}
		return nil
	})
	switch {
	case err != nil:
		return track{}, err
	case found != nil:
		return found.check()
	case len(others) == 0:
		return track{}, &CodecError{Codec: "video without sound"}
	}
	return track{}, &CodecError{Codec: strings.Join(others, " and ")}
}

// set takes one property.
func (t *trackEntry) set(e element) (err error) {
	switch e.id {
	case idTrackNumber:
		t.number, err = e.number()
	case idTrackType:
		t.kind, err = e.number()
	case idCodec:
		t.codec = strings.ToValidUTF8(string(e.data[:min(len(e.data), 64)]), "?")
	case idCodecPrivate:
		t.private = e.data
	case idCodecDelay:
		var ns uint64
		if ns, err = e.number(); err == nil && ns > maxCodecDelay {
			err = errEBML
		}
		t.delay, t.delayed = time.Duration(ns), true
	case idEncodings:
		return t.setEncodings(e.data, 0)
	}
	return err
}

// setEncodings takes the elements of ContentEncodings, whatever is in which.
//
// https://www.rfc-editor.org/rfc/rfc9559#section-5.1.4.1.31
func (t *trackEntry) setEncodings(b []byte, depth int) error {
	if depth > maxDepth {
		return errEBML
	}
	return each(b, func(e element) error {
		switch e.id {
		case idEncoding:
			return t.setEncodings(e.data, depth+1)
		case idCompression:
			t.sealed = true // zlib, unless it says something else
			return t.setEncodings(e.data, depth+1)
		case idEncryption:
			t.sealed = true
		case idAlgorithm:
			v, err := e.number()
			t.sealed = v != headersOnly
			return err
		case idSettings:
			t.prefix = e.data
		}
		return nil
	})
}

// check decides whether packets of the track can be used.
func (t *trackEntry) check() (track, error) {
	if t.sealed || len(t.prefix) > maxPrefix {
		return track{}, &CodecError{Codec: "compressed or encrypted Matroska"}
	}
	head, err := parseOpusHead(t.private)
	if err != nil {
		return track{}, err
	}
	t.head = head
	if !t.delayed {
		t.delay = time.Duration(head.PreSkip) * time.Second / rtp.SampleRate
	}
	return t.track, nil
}

// codecName makes a name for people out of that in the file.
//
// https://www.matroska.org/technical/codec_specs.html
func codecName(id string) string {
	names := map[string]string{
		"A_VORBIS": "Vorbis", "A_FLAC": "FLAC", "A_MPEG/L3": "MP3", "A_AC3": "AC-3", "A_PCM/INT/LIT": "PCM",
	}
	if n, ok := names[id]; ok {
		return n
	}
	return strings.TrimPrefix(id, "A_")
}
