package audio

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"
)

// A cue says in which cluster a time is.
type cue struct {
	ticks   uint64
	cluster uint64 // offset from that of the segment
}

// headers reads up to the first cluster.
func (r *WebMReader) headers() error {
	if err := r.docType(); err != nil {
		return err
	}
	for r.cluster == 0 {
		start := r.in.offset
		id, size, err := r.headerElement()
		if err != nil {
			return err
		}
		switch id {
		case idSegment:
			r.segment = r.in.offset
			continue
		case idCluster:
			r.cluster = start
			continue
		case idSeekHead, idInfo, idTracks:
		default:
			if err := r.skip(size); err != nil {
				return err
			}
			continue
		}
		b, err := r.load(size, maxMaster)
		if err != nil {
			return err
		}
		if err := r.header(id, b); err != nil {
			return r.wrong("headers", err)
		}
	}
	if r.track.number == 0 {
		return r.wrong("no tracks before the first cluster", nil)
	}
	r.length = max(r.length-r.track.delay, 0)
	return nil
}

// headerElement is element for what comes before the first packet.
func (r *WebMReader) headerElement() (id uint32, size int64, err error) {
	id, size, err = r.element()
	switch {
	case err != nil:
		return 0, 0, r.wrong("half of the headers", err)
	case size > maxHeaders-r.in.offset && id != idSegment && id != idCluster:
		return 0, 0, r.wrong("the headers do not end", nil)
	}
	return id, size, nil
}

// docType checks that the file is one of this kind.
func (r *WebMReader) docType() error {
	id, size, err := r.element()
	if err != nil || id != idEBML {
		return r.wrong("no EBML header", err)
	}
	b, err := r.load(size, maxMaster)
	if err != nil {
		return err
	}
	kind := ""
	if err := each(b, func(e element) error {
		if e.id == idDocType {
			kind = string(bytes.TrimRight(e.data[:min(len(e.data), 16)], "\x00"))
		}
		return nil
	}); err != nil {
		return r.wrong("EBML header", err)
	}
	if kind != "webm" && kind != "matroska" {
		return r.wrong("neither WebM nor Matroska", nil)
	}
	return nil
}

// header takes one of the elements before the first cluster.
func (r *WebMReader) header(id uint32, b []byte) (err error) {
	switch id {
	case idSeekHead:
		return each(b, r.setSeek)
	case idInfo:
		var ticks float64
		if ticks, err = r.info(b); err == nil && ticks > 0 && ticks < math.MaxInt64/4/float64(r.tick) {
			r.length = time.Duration(ticks * float64(r.tick))
		}
		return err
	}
	if r.track.number != 0 {
		return nil
	}
	if r.track, err = findTrack(b); err != nil {
		return err
	}
	r.track.prefix = bytes.Clone(r.track.prefix)
	if r.track.number == 0 {
		return errEBML
	}
	return nil
}

// info reads the length of a tick and, in ticks, of the whole.
func (r *WebMReader) info(b []byte) (ticks float64, err error) {
	err = each(b, func(e element) (err error) {
		switch e.id {
		case idTimestamps:
			var ns uint64
			if ns, err = e.number(); err == nil && (ns == 0 || ns > uint64(maxTick)) {
				err = errEBML
			}
			r.tick = time.Duration(ns)
		case idDuration:
			ticks, err = e.float()
		}
		return err
	})
	return ticks, err
}

// setSeek looks for the cues in the table of contents.
func (r *WebMReader) setSeek(e element) error {
	if e.id != idSeek {
		return nil
	}
	var id, position uint64
	err := each(e.data, func(e element) (err error) {
		switch e.id {
		case idSeekID:
			id, err = e.number()
		case idSeekPosition:
			position, err = e.number()
		}
		return err
	})
	if err == nil && id == idCues && position < math.MaxInt64/2 {
		r.index = r.segment + int64(position)
	}
	return err
}

// loadCues reads the cues, if there are any. Cues that are damaged count as
// none: seeking takes longer then.
func (r *WebMReader) loadCues() {
	if r.indexed || r.index == 0 {
		return
	}
	r.indexed = true
	_ = r.in.probe(func(in *input, _ int64) error {
		if err := in.seek(r.index); err != nil {
			return err
		}
		second := &WebMReader{in: in}
		id, size, err := second.element()
		if err != nil || id != idCues {
			return err
		}
		b, err := second.load(size, maxMaster)
		if err == nil {
			r.cues = parseCues(b)
		}
		return err
	})
}

// parseCues returns the cues up to where they are damaged, in order.
func parseCues(b []byte) (cues []cue) {
	_ = each(b, func(e element) error {
		if e.id != idCue {
			return nil
		}
		var c cue
		err := each(e.data, func(e element) (err error) {
			switch e.id {
			case idCueTime:
				c.ticks, err = e.number()
			case idCuePositions:
				err = each(e.data, func(e element) (err error) {
					if e.id == idCueCluster {
						c.cluster, err = e.number()
					}
					return err
				})
			}
			return err
		})
		if err == nil && c.cluster < math.MaxInt64/2 {
			cues = append(cues, c)
		}
		return err
	})
	slices.SortStableFunc(cues, func(a, b cue) int { return cmp.Compare(a.ticks, b.ticks) })
	return cues
}
