package audio

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
)

// preRoll is how many samples a decoder needs to swing in.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-4.6
const preRoll = rtp.SampleRate * 80 / 1000

// maxLinks is how many links of a chain are looked for.
const maxLinks = 1024

// Length implements [Lengther]. It is known if the reader can seek.
func (r *OggReader) Length() (time.Duration, bool) {
	if r.chain() != nil {
		return 0, false
	}
	l := &r.links[len(r.links)-1]
	return duration(l.before + l.samples()), true
}

// Seek implements [Seeker].
func (r *OggReader) Seek(to time.Duration) error {
	if err := r.chain(); err != nil {
		return err
	}
	target := int64(max(to, 0).Seconds() * rtp.SampleRate)
	i := len(r.links) - 1
	for i > 0 && r.links[i].before > target {
		i--
	}
	if r.failed = r.enterLink(&r.links[i]); r.failed != nil {
		return r.failed
	}
	l := &r.link
	want := max(l.first+target-l.before-preRoll, l.first)
	at, err := r.bisect(l, want)
	if err == nil {
		err = r.pages.in.seek(at)
	}
	if err != nil {
		r.failed = err
		return err
	}
	r.from = want
	return r.skip()
}

// enterLink makes l the link that packets come from. The map has no comments,
// which may be large: those of another link are read again.
func (r *OggReader) enterLink(l *link) error {
	r.pages.again = false
	if r.link.offset != l.offset {
		if err := r.pages.in.seek(l.offset); err != nil {
			return err
		}
		if err := r.begin(l.before); err != nil {
			return err
		}
	}
	tags := r.link.tags
	r.reset()
	r.link = *l
	r.link.tags = tags
	return nil
}

// skip goes to the first packet that is to be heard.
func (r *OggReader) skip() error {
	for {
		p, err := r.peek()
		if err == io.EOF {
			return nil // ReadFrame says so again
		}
		if err != nil {
			return err
		}
		n, _ := rtp.Samples(p)
		if r.at+int64(n) > r.from && r.at < r.until {
			r.waiting = p
			return nil
		}
		r.pass(p)
	}
}

// bisect returns the offset of a page of l which ends before a granule
// position, and is close to it.
func (r *OggReader) bisect(l *link, want int64) (int64, error) {
	lo, hi := l.data, l.end
	for hi-lo > inputSize {
		mid := lo + (hi-lo)/2
		p, err := firstPage(r.pages.in, mid, hi, l.ends)
		switch {
		case err == io.EOF || err == nil && p.granule >= want:
			hi = mid
		case err != nil:
			return 0, err
		default:
			lo = p.offset
		}
	}
	return lo, nil
}

// ends reports whether a packet of Opus ends on p.
func (l *link) ends(p *page) bool { return p.serial == l.serial && p.granule != noGranule }

// has reports whether p belongs to l.
func (l *link) has(p *page) bool { return slices.Contains(l.serials, p.serial) }

// chain makes the map of the file.
func (r *OggReader) chain() error {
	if r.links != nil {
		return nil
	}
	return r.pages.in.probe(func(in *input, size int64) error {
		var links []link
		var before int64
		for offset := int64(0); offset < size && len(links) < maxLinks; {
			l, err := survey(in, offset, size, before)
			if err != nil && len(links) == 0 {
				return err
			}
			if err != nil { // reading stops there, too
				break
			}
			links = append(links, l)
			offset, before = l.end, before+l.samples()
		}
		if len(links) == 0 {
			return oggError(0, "the file is empty by now", nil)
		}
		r.links = links
		return nil
	})
}

// survey measures the link that begins at an offset.
func survey(in *input, offset, size, before int64) (link, error) {
	if err := in.seek(offset); err != nil {
		return link{}, err
	}
	r := &OggReader{pages: pageReader{in: in}}
	if err := r.begin(before); err != nil {
		return link{}, err
	}
	l := r.link
	if _, err := r.packet(); err == nil && r.link.offset == l.offset {
		l = r.link
	}
	l.start, l.last, l.tags = false, l.first, OpusTags{}
	err := l.findEnd(in, size)
	if err != nil {
		return link{}, err
	}
	p, err := lastPage(in, l.data, l.end, l.ends)
	if err == nil {
		l.last = p.granule
	}
	if err == io.EOF {
		err = nil
	}
	return l, err
}

// findEnd finds out where a link ends: at the end of the file, or where the
// first page of another one is.
func (l *link) findEnd(in *input, size int64) error {
	l.end = size
	p, err := lastPage(in, l.data, size, nil)
	if err == io.EOF || err == nil && l.has(&p) {
		return nil
	}
	if err != nil {
		return err
	}
	lo, hi := l.data, p.offset
	for hi-lo > inputSize {
		mid := lo + (hi-lo)/2
		switch p, err := firstPage(in, mid, hi, nil); {
		case err == io.EOF || err == nil && !l.has(&p):
			hi = mid
		case err != nil:
			return err
		default:
			lo = p.offset
		}
	}
	p, err = firstPage(in, lo, size, func(p *page) bool { return !l.has(p) })
	if err == nil {
		l.end = p.offset
	}
	return err
}

// firstPage returns the first page in a part of the file that is wanted, any
// if want is nil. It has no body any more. The error is io.EOF if there is
// none.
func firstPage(in *input, from, to int64, want func(*page) bool) (page, error) {
	return scanPages(in, from, to, want, true)
}

// lastPage is firstPage from the other end.
func lastPage(in *input, from, to int64, want func(*page) bool) (page, error) {
	for size := int64(2 * oggMaxPage); ; size *= 2 {
		start := max(from, to-size)
		p, err := scanPages(in, start, to, want, false)
		if err != io.EOF || start == from {
			return p, err
		}
	}
}

// scanPages returns the first or the last page that is wanted.
func scanPages(in *input, from, to int64, want func(*page) bool, first bool) (found page, err error) {
	if err := in.seek(from); err != nil {
		return page{}, err
	}
	pages := pageReader{in: in}
	for {
		p, err := pages.before(to)
		switch {
		case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF): // half a page is none
			if found.size == 0 {
				return page{}, io.EOF
			}
			return found, nil
		case err != nil:
			return page{}, err
		case want != nil && !want(p):
			continue
		}
		found = *p
		found.lacing, found.body = nil, nil
		if first {
			return found, nil
		}
	}
}
