package dave

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

const (
	// DefaultTransitionTimeout is how long a [Delivery] waits for all members
	// to be ready.
	DefaultTransitionTimeout = 2 * time.Second

	maxParticipants = 1024
	maxKeyPackage   = 4 << 10 // bytes

	// maxRecoveries is how often in a row a client may want to be added again,
	// less than recoveryPause apart. Each time is work for all members.
	maxRecoveries = 2 * maxFailures
	recoveryPause = 30 * time.Second
)

// Why a [Delivery] refuses a client. The last three mean that it breaks the
// protocol, and should be disconnected.
var (
	// ErrRequired reports a client without DAVE in a call that needs it. Voice
	// servers close with 4017.
	ErrRequired = errors.New("dave: the call requires end-to-end encryption")

	// ErrFull reports a call with more clients than there is room for.
	ErrFull = errors.New("dave: too many clients")

	// ErrNotJoined reports a message of a client that has not joined, or that
	// joined without DAVE.
	ErrNotJoined = errors.New("dave: the client takes no part in the encryption")

	// ErrKeyPackage reports a key package that is malformed or another user's.
	ErrKeyPackage = errors.New("dave: invalid key package")

	// ErrCommit reports a commit or a welcome that is malformed. One that is
	// merely late is not an error.
	ErrCommit = errors.New("dave: invalid commit")
)

// An Outgoing is a message that a [Delivery] wants to be sent to a client that
// has joined. Several may share their data, which must not be modified.
type Outgoing struct {
	To      snowflake.ID
	Message gateway.VoiceMessage
}

// A Delivery is the voice server's part in the encryption of one call: the
// delivery service and external sender of its group. It picks the protocol
// version and brings members in and out; it never learns a key.
//
// It does nothing by itself, and knows no time but what it is told. It is not
// safe for concurrent use. What it returns has to be sent in order, behind all
// that was sent to the client before.
//
// https://daveprotocol.com/#delivery-service
type Delivery struct {
	groupID  []byte
	signer   *mls.ExternalSigner
	required bool
	timeout  time.Duration

	members map[snowflake.ID]*participant
	order   []*participant // by joining

	version     uint16 // that is executed
	target      uint16 // that the call is on its way to
	established bool
	epoch       uint64
	leaves      []*participant // nil: blank

	inflight   []*proposal
	amendable  time.Time     // until when inflight may change
	stuck      time.Time     // when the group is given up, zero: nothing is waited for
	attempts   int           // to get a commit
	restarted  time.Time     // when the group was given up last
	gather     time.Time     // until when a new group waits for key packages
	transition *announcement // nil: none
	last       *announcement // of a commit, nil: none
	lastID     uint16
	out        []Outgoing
}

// A participant is one client from joining to leaving.
type participant struct {
	user     snowflake.ID
	version  uint16 // zero: without DAVE
	pkg      *mls.KeyPackage
	leaf     int       // -1: not in the group
	hold     time.Time // until when a key package is waited for, to remove and add in one go
	failures int       // in a row
	failed   time.Time
	barred   bool // from committing
	told     bool // the external sender
}

// A DeliveryOption is a setting of [NewDelivery]. The error of a value that
// makes no sense names the option.
type DeliveryOption func(*Delivery) error

// WithRequired refuses clients without DAVE, with [ErrRequired]. Else the call
// goes on without encryption while there are any.
func WithRequired() DeliveryOption {
	return func(d *Delivery) error { d.required = true; return nil }
}

// WithTransitionTimeout sets how long members are waited for that do not say
// that they are ready, instead of [DefaultTransitionTimeout].
func WithTransitionTimeout(t time.Duration) DeliveryOption {
	return func(d *Delivery) error {
		if t <= 0 {
			return fmt.Errorf("dave: WithTransitionTimeout: %v, must be positive", t)
		}
		d.timeout = t
		return nil
	}
}

// NewDelivery returns the delivery service of a voice channel, with a key of
// its own.
func NewDelivery(channel snowflake.ID, options ...DeliveryOption) (*Delivery, error) {
	signer, err := mls.NewExternalSigner(identityOf(0))
	if err != nil {
		return nil, fmt.Errorf("dave: external sender: %w", err)
	}
	d := &Delivery{
		groupID: identityOf(channel), signer: signer, timeout: DefaultTransitionTimeout,
		members: make(map[snowflake.ID]*participant),
	}
	for _, o := range options {
		if err := o(d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Join adds a client that supports versions up to maxVersion, and returns the
// version that its Session Description is to name. What is to be sent belongs
// behind that message, and behind the Clients Connect that tells the client who
// else is there; the others have to be told of the client at once.
//
// A client that has joined before, and whose session was not resumed, leaves
// first. The error is [ErrRequired] or [ErrFull].
func (d *Delivery) Join(now time.Time, user snowflake.ID, maxVersion uint16) (version uint16, out []Outgoing, err error) {
	maxVersion = min(maxVersion, ProtocolVersion)
	switch {
	case maxVersion == 0 && d.required:
		return 0, nil, ErrRequired
	case d.members[user] == nil && len(d.order) == maxParticipants:
		return 0, nil, ErrFull
	}
	d.drop(now, user)
	d.reconcile(now)
	if len(d.order) == 0 {
		d.version, d.target = maxVersion, maxVersion
	}
	p := &participant{user: user, version: maxVersion, leaf: -1}
	d.members[user] = p
	d.order = append(d.order, p)
	if maxVersion == 0 {
		d.downgrade(now)
		return 0, d.flush(), nil
	}
	switch {
	case d.target > d.version:
		d.send(p, textMessage(opcode.DAVEPrepareEpoch, epochData{Version: d.target, Epoch: firstEpoch}))
		fallthrough
	case d.target > 0:
		d.introduce(p)
	}
	d.catchUp(p)
	return min(d.version, d.target), d.flush(), nil
}

// introduce tells a client of the external sender, if it does not know it yet:
// clients without a group to come may have no use for it.
//
// https://daveprotocol.com/#external-sender
func (d *Delivery) introduce(p *participant) {
	if !p.told {
		p.told = true
		d.send(p, binaryMessage(opcode.DAVEExternalSender, d.signer.Sender().Append(nil)))
	}
}

// Leave removes a client.
func (d *Delivery) Leave(now time.Time, user snowflake.ID) []Outgoing {
	d.drop(now, user)
	d.reconcile(now)
	return d.flush()
}

// drop removes a client from the lists.
func (d *Delivery) drop(now time.Time, user snowflake.ID) {
	p := d.members[user]
	if p == nil {
		return
	}
	delete(d.members, user)
	d.order = slices.DeleteFunc(d.order, func(q *participant) bool { return q == p })
	d.excuse(now, p)
	switch {
	case len(d.order) == 0:
		d.version, d.target = 0, 0
		d.abandon()
	case d.target == 0 && !slices.ContainsFunc(d.order, func(q *participant) bool { return q.version == 0 }):
		d.target = ProtocolVersion
		d.restart(now)
	case d.target > 0 && len(d.order) == 1 && (d.established || d.version != d.target):
		d.restart(now)
	}
}

// HandleVoice consumes one message of a client: each one for which
// [opcode.Voice.DAVE] holds. The error is [ErrNotJoined], [ErrKeyPackage],
// [ErrCommit], [ErrRecovery], or one that matches [gateway.ErrMalformed];
// nothing has changed then.
func (d *Delivery) HandleVoice(now time.Time, user snowflake.ID, m gateway.VoiceMessage) ([]Outgoing, error) {
	p := d.members[user]
	if p == nil || p.version == 0 {
		return nil, ErrNotJoined
	}
	var err error
	switch m.Op {
	case opcode.DAVEKeyPackage:
		err = d.handleKeyPackage(now, p, m.Data)
	case opcode.DAVECommitWelcome:
		err = d.handleCommit(now, p, m.Data)
	case opcode.DAVETransitionReady:
		err = d.handleReady(now, p, m)
	case opcode.DAVEInvalidCommit:
		err = d.handleInvalid(now, p, m)
	}
	if err != nil {
		return nil, err
	}
	d.reconcile(now)
	return d.flush(), nil
}

// handleKeyPackage takes what a client wants to be added with. Another one than
// that of its leaf replaces the leaf.
//
// https://daveprotocol.com/#validation
func (d *Delivery) handleKeyPackage(now time.Time, p *participant, data []byte) error {
	if len(data) > maxKeyPackage {
		return ErrKeyPackage
	}
	pkg, err := mls.ParseKeyPackage(data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyPackage, err)
	}
	notBefore, notAfter := pkg.Lifetime()
	user, ok := userOf(pkg.Identity())
	switch {
	case !ok || user != p.user:
		return fmt.Errorf("%w: of another user", ErrKeyPackage)
	case notBefore != 0 || notAfter != 1<<64-1:
		return fmt.Errorf("%w: of limited lifetime", ErrKeyPackage)
	case d.target == 0 || p.pkg != nil && slices.Equal(p.pkg.Ref(), pkg.Ref()):
		return nil
	}
	if p.pkg != nil && p.fail(now) {
		return ErrRecovery
	}
	p.pkg, p.leaf, p.hold = pkg, -1, time.Time{}
	d.excuse(now, p)
	return nil
}

// handleInvalid takes a client out of the group that cannot follow it. Its new
// key package comes at once, so that one commit can remove and add it. If most
// cannot follow, their committer is not asked again.
//
// https://daveprotocol.com/#recovery-from-invalid-commit-or-welcome
func (d *Delivery) handleInvalid(now time.Time, p *participant, m gateway.VoiceMessage) error {
	data, err := decode[transitionData](m)
	switch {
	case err != nil:
		return err
	case p.fail(now):
		return ErrRecovery
	case p.leaf < 0:
		return nil
	}
	p.pkg, p.leaf, p.hold = nil, -1, now.Add(keyPackageWait)
	if d.last != nil && d.last.id == data.ID {
		d.last.invalid(p)
	}
	d.excuse(now, p)
	return nil
}

// fail counts a recovery and reports whether that was one too many.
func (p *participant) fail(now time.Time) bool {
	if now.Sub(p.failed) >= recoveryPause {
		p.failures = 0
	}
	p.failures++
	p.failed = now
	return p.failures > maxRecoveries
}

// Version returns the protocol version that the members send with, zero for
// none. It changes when transitions are executed, which takes a while: no
// packet that ends a protocol frame may be forwarded to a client without DAVE,
// see [IsEncrypted].
func (d *Delivery) Version() uint16 { return d.version }

// Epoch returns the epoch of the group, zero before there is one.
func (d *Delivery) Epoch() uint64 { return d.epoch }

// Format implements [fmt.Formatter] in short.
func (d *Delivery) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("dave delivery of %d clients, version %d, epoch %d", len(d.order), d.version, d.epoch))
}

func (d *Delivery) send(p *participant, m gateway.VoiceMessage) {
	d.out = append(d.out, Outgoing{To: p.user, Message: m})
}

// flush returns what was sent.
func (d *Delivery) flush() []Outgoing {
	out := d.out
	d.out = nil
	return out
}
