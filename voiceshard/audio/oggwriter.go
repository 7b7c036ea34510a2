package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
)

// Errors of an [OggWriter].
var (
	ErrPacket = errors.New("audio: not a packet of Opus")
	ErrTags   = errors.New("audio: the comments are malformed or too long")
	ErrHead   = errors.New("audio: the header has a field that is out of range")
	ErrClosed = errors.New("audio: the writer is closed")
)

// An OggWriter writes packets of Opus into an .opus file, or a stream, which
// is a good one up to what has been flushed. Make one with [NewOggWriter], and
// Close it.
//
// https://www.rfc-editor.org/rfc/rfc7845
type OggWriter struct {
	w        io.Writer
	head     OpusHead
	tags     OpusTags
	serial   uint32
	longest  int64 // samples on a page
	number   uint32
	granule  int64 // of everything
	flushed  int64 // of the pages that are written
	lacing   []byte
	body     []byte
	out      []byte
	silence  []byte
	finished bool
	failed   error
}

// An OggOption changes what an [OggWriter] writes.
type OggOption func(*OggWriter)

// WithOpusHead sets the header. The default is stereo with a pre-skip of 312
// samples, which is what libopus needs; the number of channels is advice, since
// each packet has its own.
func WithOpusHead(h OpusHead) OggOption { return func(w *OggWriter) { w.head = h } }

// WithOpusTags sets the comments, "TITLE=..." each. The default is none.
func WithOpusTags(t OpusTags) OggOption { return func(w *OggWriter) { w.tags = t } }

// WithSerial sets the serial number of the stream. The default is random.
func WithSerial(serial uint32) OggOption { return func(w *OggWriter) { w.serial = serial } }

// WithPageDuration sets how much sound is collected until a page is written,
// unless it is full before. The default is a second; what has been written is
// what survives a crash. Each page costs 27 bytes.
func WithPageDuration(d time.Duration) OggOption {
	return func(w *OggWriter) { w.longest = int64(d.Seconds() * rtp.SampleRate) }
}

// NewOggWriter writes the headers. Each page is one call of Write. The error is
// [ErrHead], [ErrTags], or that of w.
func NewOggWriter(w io.Writer, options ...OggOption) (*OggWriter, error) {
	o := &OggWriter{
		w: w, serial: rand.Uint32(), longest: rtp.SampleRate,
		head: OpusHead{Channels: 2, PreSkip: 312, InputSampleRate: rtp.SampleRate},
		tags: OpusTags{Vendor: "github.com/discordpkg/gateway"},
	}
	for _, option := range options {
		option(o)
	}
	if h := o.head; h.Channels < 1 || h.Channels > 2 || h.PreSkip < 0 || h.PreSkip > 0xffff {
		return nil, ErrHead
	}
	tags := o.tags.append(nil)
	if len(tags) > maxTags || !o.tags.valid() {
		return nil, ErrTags
	}
	o.add(o.head.append(nil))
	o.page(oggBOS, 0)
	o.add(tags)
	o.page(0, 0)
	return o, o.failed
}

// valid reports whether all comments have a name.
//
// https://www.xiph.org/vorbis/doc/v-comment.html#vectorformat
func (t OpusTags) valid() bool {
	for _, c := range t.Comments {
		name, _, ok := strings.Cut(c, "=")
		if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '}' }) {
			return false
		}
	}
	return true
}

// WriteFrame writes a packet, which is copied. The error is [ErrPacket] and
// leaves the file as it was, [ErrClosed], or what the first Write said that
// failed.
func (o *OggWriter) WriteFrame(opus []byte) error {
	samples, err := rtp.Samples(opus)
	if err != nil || len(opus) > MaxPacket {
		return fmt.Errorf("%w: %d bytes", ErrPacket, len(opus))
	}
	if o.finished {
		return ErrClosed
	}
	// What is written has to leave a packet for the last page.
	full := len(o.lacing)+len(opus)/255+1 > oggLacing
	if len(o.lacing) > 0 && (full || o.granule+int64(samples)-o.flushed > o.longest) {
		o.page(0, o.granule)
	}
	o.add(opus)
	o.granule += int64(samples)
	return o.failed
}

// WriteSilence writes packets of silence, some 150 bytes a second, for a time
// that is rounded down to 2.5 ms. See [OggWriter.Position].
func (o *OggWriter) WriteSilence(d time.Duration) error {
	for d >= shortest {
		n := min(int64(d/shortest), 48)
		o.silence = appendSilence(o.silence[:0], int(n))
		samples, _ := rtp.Samples(o.silence)
		d -= time.Duration(samples) * time.Second / rtp.SampleRate
		if err := o.WriteFrame(o.silence); err != nil {
			return err
		}
	}
	return nil
}

// shortest is the length of the shortest frame.
const shortest = 2500 * time.Microsecond

// appendSilence appends a packet that is no longer than n times 2.5 ms: some
// frames of 20 ms, or else some of 2.5 ms.
//
// https://www.rfc-editor.org/rfc/rfc6716#section-3.2.5
func appendSilence(dst []byte, n int) []byte {
	const celt20, celt2, several, quiet = 31 << 3, 28 << 3, 3, "\xff\xfe"
	toc, frames := byte(celt2), n
	if n >= 8 {
		toc, frames = celt20, n/8
	}
	if frames == 1 {
		dst = append(dst, toc)
	} else {
		dst = append(dst, toc|several, byte(frames))
	}
	for range frames {
		dst = append(dst, quiet...)
	}
	return dst
}

// Position returns the playing time of what was written, flushed or not.
func (o *OggWriter) Position() time.Duration {
	return duration(max(o.granule-int64(o.head.PreSkip), 0))
}

// Flush writes what has been collected, for somebody who listens to a stream.
func (o *OggWriter) Flush() error {
	if o.finished {
		return ErrClosed
	}
	if len(o.lacing) > 0 {
		o.page(0, o.granule)
	}
	return o.failed
}

// Close writes the last page. It does not close what is below.
func (o *OggWriter) Close() error {
	if o.finished {
		return ErrClosed
	}
	o.finished = true
	granule := o.granule
	if len(o.lacing) == 0 { // all has been flushed: nothing ends on the last page
		granule = noGranule
	}
	o.page(oggEOS, granule)
	return o.failed
}

// add puts a packet that fits on the page.
func (o *OggWriter) add(packet []byte) {
	n := len(packet)
	for ; n >= 255; n -= 255 {
		o.lacing = append(o.lacing, 255)
	}
	o.lacing = append(o.lacing, byte(n))
	o.body = append(o.body, packet...)
}

// page writes the packets that have been added.
//
// https://www.rfc-editor.org/rfc/rfc3533#section-6
func (o *OggWriter) page(flags byte, granule int64) {
	b := append(o.out[:0], oggCapture...)
	b = append(b, 0, flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(granule))
	b = binary.LittleEndian.AppendUint32(b, o.serial)
	b = binary.LittleEndian.AppendUint32(b, o.number)
	b = append(b, 0, 0, 0, 0, byte(len(o.lacing)))
	b = append(b, o.lacing...)
	b = append(b, o.body...)
	binary.LittleEndian.PutUint32(b[22:], oggChecksum(b))
	o.out, o.lacing, o.body = b, o.lacing[:0], o.body[:0]
	o.number++
	o.flushed = granule
	if o.failed != nil {
		return
	}
	if _, err := o.w.Write(b); err != nil {
		o.failed = fmt.Errorf("audio: %w", err)
	}
}
