package lvsp

import "time"

// evidence returns the one dialect in which a message makes sense, ByEvidence
// if there are several. Numbers 2 to 6 of INFO mean different things in the
// last document and in what the code on the wire does, and some of them only
// one side may send; the fields tell the rest.
func (r *rawInfo) evidence() Dialect {
	var flags bool
	for _, f := range r.body.flags() {
		flags = flags || *f != nil
	}
	wire := false
	switch {
	case r.seed:
		return Seed
	case r.number < 2:
		return ByEvidence
	case r.number == 2: // CHANNEL_UPDATE, or CHANNEL_DESTROY
		wire = r.body.Bitrate != nil
	case r.number == 3: // CHANNEL_DESTROY, or VST_CREATE
		wire = r.body.UserID == 0
	case r.number == 4: // VST_CREATE, or VST_DONE, which is not for backends
		wire = true
	case r.number == 5: // VST_UPDATE, or VST_DESTROY
		wire = flags
	case r.number == 6: // VST_LEAVE, or VST_UPDATE
		wire = !flags
	default:
		return ByEvidence
	}
	if wire {
		return Wire2022
	}
	return Final
}

// decide settles on a dialect, for good if it is certain, and sends what
// waited for it.
func (se *session) decide(now time.Time, d Dialect, certain bool) {
	se.certain = se.certain || certain
	se.decideBy = time.Time{}
	if d == se.dialect {
		return
	}
	se.dialect = d
	if se.link != nil {
		se.link.watch(now)
	}
	held := se.held
	se.held = nil
	for _, in := range held {
		se.send(now, in)
	}
}
