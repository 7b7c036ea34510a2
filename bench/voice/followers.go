package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// ours is a dave.Session.
type ours struct {
	members int
	session *dave.Session
}

func (o *ours) begin(external []byte) (keyPackage []byte, err error) {
	if o.session, err = dave.NewSession(snowflake.ID(o.members), channelID); err != nil { //nolint:gosec // tens
		return nil, err
	}
	if _, err = o.tell(opcode.VoiceClientsConnect, jsonOf(gateway.VoiceClientsConnect{UserIDs: o.users()})); err != nil {
		return nil, err
	}
	replies, err := o.tell(opcode.VoiceSessionDescription, jsonOf(gateway.VoiceSessionDescription{DAVEProtocolVersion: 1}))
	if err != nil || len(replies) != 1 {
		return nil, errors.Join(err, o.refusal("session description"))
	}
	keyPackage = replies[0].Data
	_, err = o.tell(opcode.DAVEExternalSender, external)
	return keyPackage, err
}

// users are all who may be in the group.
func (o *ours) users() (all []snowflake.ID) {
	for user := range o.members + 1 {
		all = append(all, snowflake.ID(user+1)) //nolint:gosec // tens
	}
	return all
}

func (o *ours) tell(op opcode.Voice, data []byte) ([]gateway.VoiceMessage, error) {
	return o.session.HandleVoice(time.Now(), gateway.VoiceMessage{Op: op, Data: data, Seq: -1})
}

func (o *ours) refusal(what string) error {
	return fmt.Errorf("%s has no effect: %w", what, o.session.Refusal())
}

// timed tells the session something, to which it must answer.
func (o *ours) timed(op opcode.Voice, data []byte, reply opcode.Voice) (time.Duration, error) {
	began := time.Now()
	replies, err := o.tell(op, data)
	took := time.Since(began)
	if err == nil && (len(replies) == 0 || replies[0].Op != reply) {
		err = o.refusal(op.String())
	}
	return took, err
}

// transition prefixes data with the id of a transition.
func transition(id byte, data []byte) []byte { return append([]byte{0, id}, data...) }

func (o *ours) join(welcome []byte) (time.Duration, error) {
	return o.timed(opcode.DAVEWelcome, transition(1, welcome), opcode.DAVETransitionReady)
}

func (o *ours) propose(proposals []byte) (time.Duration, error) {
	return o.timed(opcode.DAVEProposals, proposals, opcode.DAVECommitWelcome)
}

func (o *ours) follow(commit []byte) (time.Duration, error) {
	return o.timed(opcode.DAVEAnnounceCommit, transition(2, commit), opcode.DAVETransitionReady)
}

func (o *ours) code() (string, error) { return o.session.PrivacyCode(), nil }

func jsonOf(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of plain data
	}
	return b
}

//go:embed davey.mjs
var daveyScript string

// daveys is a member on davey, in a process of Node.
type daveys struct {
	*worker
	members int
}

// errNoNode says why there is nothing to compare with.
var errNoNode = errors.New("no Node with davey; see .ci/node and interop/node")

// startDavey starts Node where davey is installed.
func startDavey(ctx context.Context, members int) (*daveys, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	node, err := exec.LookPath("node")
	if own := filepath.Join(root, ".cache/node/node_modules/node/bin/node"); err != nil {
		if _, statErr := os.Stat(own); statErr != nil {
			return nil, errNoNode
		}
		node = own
	}
	cmd := exec.CommandContext(ctx, node, "--input-type=module", "-e", daveyScript)
	cmd.Dir, cmd.Stderr = filepath.Join(root, "interop/node"), os.Stderr
	if _, err := os.Stat(filepath.Join(cmd.Dir, "node_modules/@snazzah/davey")); err != nil {
		return nil, errNoNode
	}
	w, err := start("davey", cmd)
	return &daveys{w, members}, err
}

// repository returns the directory of the repository.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "interop/node")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errNoNode
		}
		dir = parent
	}
}

// A daveyOrder is a line for davey.mjs.
type daveyOrder struct {
	Order, User, Channel string
	Users                []string
	Data                 []byte
}

type daveyAnswer struct {
	Error, Code string
	Data        []byte
	Time        time.Duration
}

func (d *daveys) ask(o daveyOrder) (daveyAnswer, error) {
	a, err := ask[daveyAnswer](d.worker, o)
	if err == nil && a.Error != "" {
		err = fmt.Errorf("davey: %s: %s", o.Order, a.Error)
	}
	return a, err
}

func (d *daveys) begin(external []byte) ([]byte, error) {
	o := daveyOrder{Order: "new", User: fmt.Sprint(d.members), Channel: fmt.Sprint(channelID), Data: external}
	for user := range d.members + 1 {
		o.Users = append(o.Users, fmt.Sprint(user+1))
	}
	a, err := d.ask(o)
	return a.Data, err
}

func (d *daveys) timed(order string, data []byte) (time.Duration, error) {
	a, err := d.ask(daveyOrder{Order: order, Data: data})
	return a.Time, err
}

func (d *daveys) join(welcome []byte) (time.Duration, error) { return d.timed("join", welcome) }
func (d *daveys) propose(proposals []byte) (time.Duration, error) {
	return d.timed("propose", proposals)
}
func (d *daveys) follow(commit []byte) (time.Duration, error) { return d.timed("follow", commit) }

func (d *daveys) code() (string, error) {
	a, err := d.ask(daveyOrder{Order: "code"})
	return a.Code, err
}
