package audio

import (
	"bytes"
	"encoding/binary"
	"io"
)

// The layout of an Ogg page.
//
// https://www.rfc-editor.org/rfc/rfc3533#section-6
const (
	oggCapture = "OggS"
	oggFixed   = 27 // bytes before the lacing values
	oggLacing  = 255
	oggMaxPage = oggFixed + oggLacing + oggLacing*255

	oggContinued = 1 // the page begins inside of a packet
	oggBOS       = 2 // first page of a logical stream
	oggEOS       = 4 // last one

	noGranule = -1 // no packet ends on the page

	// maxJunk is how many bytes without a page are skipped before a file is
	// given up.
	maxJunk = 1 << 20

	// maxGranule is some thousand years, so that no sum of positions overflows.
	maxGranule = 1 << 52
)

// A page is one page of Ogg. Its slices are valid until the next one is read.
type page struct {
	offset  int64
	size    int64
	flags   byte
	granule int64 // of the last packet that ends here, or noGranule
	serial  uint32
	number  uint32
	lacing  []byte
	body    []byte
}

func (p *page) is(flag byte) bool { return p.flags&flag != 0 }

// A pageReader finds the pages of a file, and skips what is none.
type pageReader struct {
	in      *input
	page    page
	again   bool
	damaged int // how often something had to be skipped
}

// next reads the next page. The error is io.EOF at the end.
func (r *pageReader) next() (*page, error) { return r.before(1<<63 - 1) }

// unread makes the next call of next return the same page.
func (r *pageReader) unread() { r.again = true }

// before reads the next page if it begins before an offset, and returns io.EOF
// otherwise.
func (r *pageReader) before(limit int64) (*page, error) {
	if r.again {
		r.again = false
		return &r.page, nil
	}
	for junk := int64(0); r.in.offset < limit; {
		size, err := r.parse()
		if err != nil {
			return nil, err
		}
		if size > 0 {
			return &r.page, r.in.discard(size)
		}
		if junk == 0 {
			r.damaged++
		}
		n, err := r.resync()
		if err != nil {
			return nil, err
		}
		if junk += n; junk > maxJunk {
			return nil, r.wrong("no page in a megabyte", nil)
		}
	}
	return nil, io.EOF
}

// parse looks at the page that begins here. A size of zero says that it is
// none, or damaged.
func (r *pageReader) parse() (size int64, err error) {
	b, err := r.in.Peek(oggFixed)
	if len(b) < oggFixed {
		return 0, r.short(b, err)
	}
	if string(b[:4]) != oggCapture || b[4] != 0 {
		return 0, nil
	}
	lacing := int(b[26])
	if b, err = r.in.Peek(oggFixed + lacing); len(b) < oggFixed+lacing {
		return 0, r.short(b, err)
	}
	n := oggFixed + lacing
	for _, v := range b[oggFixed:] {
		n += int(v)
	}
	if b, err = r.in.Peek(n); len(b) < n {
		return 0, r.short(b, err)
	}
	if oggChecksum(b) != binary.LittleEndian.Uint32(b[22:]) {
		return 0, nil
	}
	r.page = page{
		offset: r.in.offset, size: int64(n), flags: b[5],
		granule: int64(binary.LittleEndian.Uint64(b[6:])),
		serial:  binary.LittleEndian.Uint32(b[14:]), number: binary.LittleEndian.Uint32(b[18:]),
		lacing: b[oggFixed : oggFixed+lacing], body: b[oggFixed+lacing : n],
	}
	if r.page.granule < 0 || r.page.granule > maxGranule {
		r.page.granule = noGranule
	}
	return int64(n), nil
}

// short says why fewer bytes than a page has could be read. What is at the end
// of a file and no page is no error.
func (r *pageReader) short(b []byte, err error) error {
	switch {
	case err != io.EOF:
		return r.wrong("reading", err)
	case bytes.HasPrefix(b, []byte(oggCapture)):
		return r.wrong("half a page", io.ErrUnexpectedEOF)
	case len(b) > 0 && bytes.Contains(b, []byte(oggCapture)):
		return nil // resync goes there
	}
	return io.EOF
}

// resync goes to where the next page may begin.
func (r *pageReader) resync() (skipped int64, err error) {
	b, _ := r.in.Peek(max(r.in.Buffered(), oggFixed))
	n := len(b) - len(oggCapture) + 1 // the pattern may have begun
	if i := bytes.Index(b[1:], []byte(oggCapture)); i >= 0 {
		n = i + 1
	}
	n = max(n, 1)
	return int64(n), r.in.discard(int64(n))
}

func (r *pageReader) wrong(reason string, err error) error {
	return oggError(r.in.offset, reason, err)
}

func oggError(offset int64, reason string, err error) error {
	return formatError("ogg", offset, reason, err)
}

// oggTable has the polynomial 0x04c11db7, most significant bit first, which
// hash/crc32 does not do.
var oggTable = func() (table [256]uint32) {
	for i := range table {
		c := uint32(i) << 24
		for range 8 {
			c = c<<1 ^ (c>>31)*0x04c11db7
		}
		table[i] = c
	}
	return table
}()

// oggChecksum returns the checksum of a page, in which the field itself counts
// as zero.
func oggChecksum(page []byte) uint32 {
	sum := oggSum(0, page[:22])
	sum = oggSum(sum, make([]byte, 4))
	return oggSum(sum, page[26:])
}

func oggSum(sum uint32, b []byte) uint32 {
	for _, v := range b {
		sum = sum<<8 ^ oggTable[byte(sum>>24)^v]
	}
	return sum
}
