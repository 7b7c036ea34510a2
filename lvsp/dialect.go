package lvsp

import "strconv"

// A Dialect is one of the forms that the protocol has had. They differ in how
// a backend authenticates, in the numbers of INFO, and in what the answers hold.
type Dialect uint8

const (
	// ByEvidence is no dialect yet: it is told from what the backend sends.
	ByEvidence Dialect = iota

	// Seed is the first document: the plain secret as token, INFO with the key
	// "info" and the types CHANNEL and VST, and VST_REQUEST.
	Seed

	// Wire2022 is what the backend in the field sends. It does not survive a
	// CHANNEL_ASSIGN, so none is sent, and takes heartbeat_interval for seconds.
	Wire2022

	// Final is the last document.
	Final

	// Extended is Final with what this package adds: errors, updates of
	// channels, tokens and endpoints for each user, and resuming.
	Extended
)

var dialectNames = [...]string{"by evidence", "seed", "wire-2022", "final", "extended"}

// String returns the name of the dialect as HELLO and IDENTIFY spell it.
func (d Dialect) String() string {
	if int(d) < len(dialectNames) {
		return dialectNames[d]
	}
	return "dialect " + strconv.Itoa(int(d))
}

// ParseDialect returns the dialect of a name, false if there is none of it.
func ParseDialect(name string) (d Dialect, ok bool) {
	for d := Seed; d <= Extended; d++ {
		if d.String() == name {
			return d, true
		}
	}
	return ByEvidence, false
}

// lenient reports whether the heartbeats of the dialect cannot be relied on.
func (d Dialect) lenient() bool { return d == ByEvidence || d == Wire2022 }
