package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// A callReport is a call at one moment, for people and machines.
type callReport struct {
	Kind     string      `json:"t"` // progress or summary
	Elapsed  millis      `json:"elapsed_ms"`
	Channel  string      `json:"channel_id"`
	Player   *playReport `json:"player,omitempty"`
	Listener *hearReport `json:"listener,omitempty"`
	E2EE     e2ee        `json:"e2ee"`
	RTT      millis      `json:"rtt_ms,omitzero"`       // over UDP
	Latency  millis      `json:"heartbeat_ms,omitzero"` // over the websocket
	Error    string      `json:"error,omitempty"`
	records  bool
}

// The kinds of reports.
const (
	progress = "progress"
	summary  = "summary"
)

// A playReport is what becomes of the sound.
type playReport struct {
	File        string `json:"file"`
	Position    millis `json:"position_ms"`
	Length      millis `json:"length_ms,omitzero"` // zero if it is not known
	Packets     uint64 `json:"packets"`            // of the file
	Unsent      uint64 `json:"unsent"`             // that the socket refused
	Unencrypted uint64 `json:"unencrypted"`        // that were dropped for want of a key, which needs two
	Underruns   uint64 `json:"underruns"`          // of the file
	P99         millis `json:"lateness_p99_ms"`
	Max         millis `json:"lateness_max_ms"`
}

// A hearReport is what was heard, and of whom.
type hearReport struct {
	Recorded      millis     `json:"recorded_ms,omitzero"` // at the end
	Users         []hearUser `json:"users"`
	Packets       uint64     `json:"packets"`
	Lost          uint64     `json:"lost"`
	Late          uint64     `json:"late"`
	Undecryptable uint64     `json:"undecryptable"`
	P50           millis     `json:"jitter_p50_ms"`
	P99           millis     `json:"jitter_p99_ms"`
	Compared      *compared  `json:"compared,omitempty"` // with what was played
}

// A compared says whether the frames that were heard are those that were played.
type compared struct {
	Heard     uint64 `json:"heard"`
	Identical bool   `json:"identical"` // all of them, and nothing else
	wrong     uint64
}

// A hearUser is one who is recorded.
type hearUser struct {
	User    snowflake.ID `json:"user_id"`
	File    string       `json:"file"`
	Packets uint64       `json:"packets"`
	Lost    uint64       `json:"lost"`
}

// millis is a duration that is in milliseconds for machines.
type millis time.Duration

func (m millis) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(m).Seconds()*1000, 'f', 3, 64), nil
}

func (m millis) String() string { return milliseconds(time.Duration(m)) }

// report returns the call as it is.
func (c *call) report(kind string) *callReport {
	st := c.own.session.Stats()
	r := &callReport{
		Kind: kind, Elapsed: millis(time.Since(c.started)), Channel: c.own.session.Channel().String(),
		E2EE: c.own.encryption(), RTT: millis(st.RTT), Latency: millis(st.Latency), records: c.records,
	}
	if c.player != nil {
		r.Player = c.playReport()
	}
	if c.heard != nil {
		r.Listener = c.hearReport()
	}
	return r
}

func (c *call) playReport() *playReport {
	p, s := c.player.Stats(), c.speaker().session.Stats()
	length, _ := c.player.Length()
	return &playReport{
		File: c.sound.name, Position: millis(c.player.Position()), Length: millis(length),
		Packets: p.Frames, Unsent: s.Unsent, Unencrypted: s.Unencrypted, Underruns: p.Underruns,
		P99: millis(p.Lateness.P99), Max: millis(p.Lateness.Max),
	}
}

func (c *call) hearReport() *hearReport {
	session := c.hearer().session
	s := session.Stats()
	r := &hearReport{
		Recorded: millis(c.recorded), Packets: s.Received.Packets, Lost: s.Received.Lost, Late: s.Received.Late,
		Undecryptable: s.Received.Undecryptable(), P50: millis(s.Jitter.P50), P99: millis(s.Jitter.P99), Users: []hearUser{},
	}
	users, files := c.heard.tracks()
	for _, u := range users {
		us, _ := session.UserStats(u)
		r.Users = append(r.Users, hearUser{User: u, File: files[u], Packets: us.Packets, Lost: us.Lost})
	}
	if c.match != nil && c.player != nil {
		heard, wrong := c.match.result()
		r.Compared = &compared{Heard: heard, Identical: wrong == 0 && heard == c.player.Stats().Frames, wrong: wrong}
	}
	return r
}

// verdict returns an error if the call did not show what it should.
func (c *call) verdict(r *callReport) error {
	if p := r.Player; p != nil && p.Packets == 0 && c.finished {
		return fmt.Errorf("%s: there is nothing to play in it", p.File)
	}
	l := r.Listener
	switch {
	case l == nil || l.Compared == nil || l.Compared.Identical:
		return nil
	case l.Compared.wrong > 0:
		return fmt.Errorf("%d frames were heard that nobody played", l.Compared.wrong)
	case c.loss > 0: // as it was asked for
		return nil
	}
	return errors.New("not all that was played was heard: " + strconv.FormatUint(r.Player.Packets-l.Compared.Heard, 10) + " frames are missing")
}

// write writes the files, and one line that is easy to find and to parse.
func (r *callReport) write(w io.Writer) {
	var b strings.Builder
	if l := r.Listener; l != nil {
		for _, u := range l.Users {
			fmt.Fprintf(&b, "file=%s user=%v packets=%d lost=%d\n", u.File, u.User, u.Packets, u.Lost)
		}
	}
	if r.records {
		fmt.Fprintf(&b, "recorded=%v users=%d ", seconds(r.Listener.Recorded), len(r.Listener.Users))
	}
	r.Player.write(&b, r.Listener == nil)
	r.Listener.write(&b, r.Player == nil)
	if p := r.Player; p != nil {
		fmt.Fprintf(&b, "lateness_p99=%v underruns=%d ", p.P99, p.Underruns)
	}
	fmt.Fprintf(&b, "rtt=%v dave=%d", r.RTT, r.E2EE.Version)
	if r.E2EE.Code != "" {
		fmt.Fprintf(&b, " epoch=%d privacy_code=%s", r.E2EE.Epoch, r.E2EE.Code)
	}
	fmt.Fprintf(&b, " elapsed=%v\n", seconds(r.Elapsed))
	_, _ = io.WriteString(w, b.String())
}

// write writes the fields of a sound, if there is one. Alone says that nobody
// tells what was heard.
func (p *playReport) write(w io.Writer, alone bool) {
	if p == nil {
		return
	}
	fmt.Fprintf(w, "played=%v packets=%d ", seconds(p.Position), p.Packets)
	if alone {
		fmt.Fprintf(w, "unsent=%d unencrypted=%d ", p.Unsent, p.Unencrypted)
	}
}

// write writes the fields of what was heard, if anything was to be.
func (l *hearReport) write(w io.Writer, alone bool) {
	if l == nil {
		return
	}
	if alone {
		fmt.Fprintf(w, "packets=%d ", l.Packets)
	}
	fmt.Fprintf(w, "lost=%d ", l.Lost)
	if c := l.Compared; c != nil {
		fmt.Fprintf(w, "heard=%d identical=%t ", c.Heard, c.Identical)
	}
	fmt.Fprintf(w, "late=%d undecryptable=%d jitter_p99=%v ", l.Late, l.Undecryptable, l.P99)
}

func seconds(m millis) string { return fmt.Sprintf("%.2fs", time.Duration(m).Seconds()) }
