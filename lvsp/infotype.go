package lvsp

import "strconv"

// An InfoType says what an INFO is about. It is no number of the wire: these
// differ between dialects, see [Dialect.Number].
type InfoType uint8

const (
	ChannelRequest InfoType = iota + 1 // backend: make a channel ready
	ChannelAssign                      // voice server: it is ready
	ChannelUpdate                      // backend: its bitrate changed
	ChannelDestroy                     // backend: it is gone, and all users in it
	StateCreate                        // backend: a user joins
	StateDone                          // voice server: the user may connect
	StateUpdate                        // backend: mute, deaf, suppress
	StateDestroy                       // both: a user left
	InfoError                          // voice server: it refuses a request
	numInfoTypes
)

func (t InfoType) String() string {
	names := [numInfoTypes]string{"no INFO", "CHANNEL_REQ", "CHANNEL_ASSIGN", "CHANNEL_UPDATE", "CHANNEL_DESTROY",
		"VST_CREATE", "VST_DONE", "VST_UPDATE", "VST_DESTROY", "ERROR"}
	if t < numInfoTypes {
		return names[t]
	}
	return "INFO " + strconv.Itoa(int(t))
}

// none marks what a dialect has no number for.
const none = -1

// infoNumbers are the rows of [Dialect.Number]. The seed dialect asks for voice
// states with VST_REQUEST, and has one number each for what concerns a channel
// and a voice state.
var infoNumbers = [...][numInfoTypes]int{
	//          -     req assign update destroy create done update destroy error
	ByEvidence: {none, 0, none, none, none, none, none, none, none, none},
	Seed:       {none, 0, 0, 0, none, none, 1, 1, 1, none},
	Wire2022:   {none, 0, 1, 2, 3, 4, 4, 5, 6, none},
	Final:      {none, 0, 1, none, 2, 3, 4, 6, 5, none},
	Extended:   {none, 0, 1, 8, 2, 3, 4, 6, 5, 7},
}

// Number returns the number that t has in the dialect, false if the dialect
// cannot say it in an INFO.
func (d Dialect) Number(t InfoType) (n int, ok bool) {
	if int(d) >= len(infoNumbers) || t >= numInfoTypes {
		return none, false
	}
	n = infoNumbers[d][t]
	return n, n != none
}

// infoType returns what the number n means when a backend, or else a voice
// server, sends it. It does not hold for the seed dialect.
func (d Dialect) infoType(n int, backend bool) (InfoType, bool) {
	for t := ChannelRequest; t < numInfoTypes; t++ {
		if number, ok := d.Number(t); ok && number == n && (t.fromBackend() && backend || t.fromServer() && !backend) {
			return t, true
		}
	}
	return 0, false
}

func (t InfoType) fromBackend() bool { return !t.fromServer() || t == StateDestroy }

func (t InfoType) fromServer() bool {
	switch t {
	case ChannelAssign, StateDone, StateDestroy, InfoError:
		return true
	}
	return false
}
