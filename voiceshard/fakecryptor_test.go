package voiceshard

import (
	"bytes"
	"errors"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// lock is end-to-end encryption for tests: a frame is preceded by the digits of
// its sender. It has keys once it has seen Execute Transition.
type lock struct {
	user   snowflake.ID // ours
	ready  atomic.Bool
	broken error
	seen   []opcode.Voice
}

var errLocked = errors.New("locked: no key")

func (l *lock) MaxProtocolVersion() uint16 { return 1 }
func (l *lock) Ready() bool                { return l.ready.Load() }

func (l *lock) HandleVoice(_ time.Time, m gateway.VoiceMessage) ([]gateway.VoiceMessage, error) {
	l.seen = append(l.seen, m.Op)
	switch m.Op {
	case opcode.DAVEExecuteTransition:
		l.ready.Store(true)
	case opcode.DAVEPrepareEpoch:
		return nil, l.broken
	case opcode.DAVEPrepareTransition:
		return []gateway.VoiceMessage{{Op: opcode.DAVETransitionReady, Data: []byte(`{"transition_id":1}`)}}, nil
	}
	return nil, nil
}

func (l *lock) EncryptFrame(_ time.Time, dst, frame []byte, codec dave.Codec) ([]byte, error) {
	if codec != dave.Opus {
		return dst, errors.New("not Opus")
	}
	if !l.ready.Load() {
		return dst, errLocked
	}
	return append(append(dst, l.user.String()...), frame...), nil
}

func (l *lock) DecryptFrame(_ time.Time, user snowflake.ID, dst, frame []byte) ([]byte, error) {
	if !l.ready.Load() {
		return dst, errLocked
	}
	rest, ok := bytes.CutPrefix(frame, []byte(user.String()))
	if !ok {
		return dst, dave.ErrAuthentication
	}
	return append(dst, rest...), nil
}

// impatient is a lock that always wants to be called at once.
type impatient struct {
	lock
	calls atomic.Int64
	at    time.Time
	wiped atomic.Bool
}

func (i *impatient) NextDeadline() time.Time     { return i.at }
func (i *impatient) HandleTimeout(now time.Time) { i.at = now; i.calls.Add(1) }
func (i *impatient) Wipe()                       { i.wiped.Store(true) }

// withLock encrypts with locks, of which l is the first one.
func withLock(l *lock) Option {
	first := l
	return WithE2EE(func(user, channel snowflake.ID) (FrameCryptor, error) {
		if channel != lobby {
			return nil, errors.New("not the lobby")
		}
		if first == nil {
			return &lock{user: user}, nil
		}
		l, first = first, nil
		l.user = user
		return l, nil
	})
}
