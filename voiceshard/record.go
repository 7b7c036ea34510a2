package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// maxTracks bounds the files of a recorder.
const maxTracks = 1000

var (
	// ErrRecorded reports a call to a [Recorder] that is closed.
	ErrRecorded = errors.New("voiceshard: the recorder is closed")

	// ErrTracks reports more users than a [Recorder] has files for.
	ErrTracks = errors.New("voiceshard: too many users to record")
)

// A TrackError says whose recording has failed. Those of the others go on.
type TrackError struct {
	User snowflake.ID
	Err  error
}

func (e *TrackError) Error() string {
	return fmt.Sprintf("voiceshard: recording of user %v: %v", e.User, e.Err)
}

func (e *TrackError) Unwrap() error { return e.Err }

// A Recorder writes what each user says into an .opus file of its own, as it
// came, without decoding it. All files begin at the same time and end at the
// same time, and what is heard at a time is at that time in all of them: silence
// is written where nobody spoke, and a packet that was lost is concealed by the
// decoder. A user who reconnects, and gets another SSRC, stays in the same file.
//
// A recording that is interrupted is good up to its last second. A Recorder is
// not safe for concurrent use. Make one with [NewRecorder], and Close it.
type Recorder struct {
	open   func(user snowflake.ID) (io.WriteCloser, error)
	start  time.Time // zero before the first packet
	latest time.Time
	tracks map[snowflake.ID]*track
	full   bool // somebody was refused
	closed bool
}

// NewRecorder returns a recorder that opens a file for each user who speaks,
// see [RecordDir], and closes it.
func NewRecorder(open func(user snowflake.ID) (io.WriteCloser, error)) *Recorder {
	return &Recorder{open: open, tracks: make(map[snowflake.ID]*track)}
}

// RecordDir opens files in a directory, which exists: USER.opus, or USER-2.opus
// and so on if there is one already. Only the owner can read them.
func RecordDir(dir string) func(user snowflake.ID) (io.WriteCloser, error) {
	return func(user snowflake.ID) (io.WriteCloser, error) {
		name := filepath.Join(dir, user.String())
		for n := 2; ; n++ {
			f, err := os.OpenFile(name+".opus", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if !errors.Is(err, os.ErrExist) || n > maxTracks {
				return f, err
			}
			name = filepath.Join(dir, fmt.Sprintf("%v-%d", user, n))
		}
	}
}

// Start makes the files begin at a time. Without it that is the arrival of the
// first packet.
func (r *Recorder) Start(at time.Time) {
	if r.start.IsZero() {
		r.start, r.latest = at, at
	}
}

// Record records a session until ctx or the session ends: the error says which.
// It is the one that calls [Session.Receive] meanwhile. When a file fails, it
// goes on with the others; see [Recorder.Close].
func (r *Recorder) Record(ctx context.Context, s *Session) error {
	r.Start(time.Now())
	for {
		p, err := s.Receive(ctx)
		r.latest = deadline.Latest(r.latest, time.Now())
		if err != nil {
			return err
		}
		var failed *TrackError
		if err := r.Write(p); err != nil && !errors.As(err, &failed) {
			return err
		}
	}
}

// Write records a packet, for those who call [Session.Receive] themselves. It
// keeps nothing of it. Packets of nobody known, and late ones, are left out:
// their place has been filled.
//
// The error is a [*TrackError], once for each user whose file fails, and once
// with [ErrTracks] for those beyond a thousand; or [ErrRecorded].
func (r *Recorder) Write(p *Packet) error {
	if r.closed {
		return ErrRecorded
	}
	r.Start(p.Arrival)
	r.latest = deadline.Latest(r.latest, p.Arrival)
	t := r.tracks[p.User]
	switch {
	case p.User == 0 || p.Verdict == Late:
		return nil
	case t == nil && p.Verdict != OK:
		return nil // who has not been heard has no gaps
	case t == nil && len(r.tracks) >= maxTracks:
		if r.full {
			return nil
		}
		r.full = true
		return &TrackError{User: p.User, Err: ErrTracks}
	case t == nil:
		t = r.begin(p.User)
	}
	if t.reported {
		return nil
	}
	if t.failed == nil {
		t.take(p, p.Arrival.Sub(r.start))
	}
	if t.failed != nil {
		t.reported = true
		return &TrackError{User: p.User, Err: t.failed}
	}
	return nil
}

// begin opens the file of a user. If that fails, the track has failed.
func (r *Recorder) begin(user snowflake.ID) *track {
	t := &track{}
	r.tracks[user] = t
	file, err := r.open(user)
	if err != nil {
		t.failed = err
		return t
	}
	t.file = file
	t.ogg, t.failed = audio.NewOggWriter(t.file,
		audio.WithOpusHead(audio.OpusHead{Channels: 2, PreSkip: leadSamples, InputSampleRate: rtp.SampleRate}),
		audio.WithOpusTags(audio.OpusTags{Vendor: "github.com/discordpkg/gateway", Comments: []string{
			"DISCORD_USER=" + user.String(), "DATE=" + r.start.UTC().Format(time.RFC3339Nano),
		}}))
	if t.failed == nil {
		t.failed = t.ogg.WriteSilence(lead)
	}
	return t
}

// Close makes all files as long as the recording, and closes them. The errors
// are those of all users whose recording has failed, [*TrackError] each.
func (r *Recorder) Close() error {
	if r.closed {
		return ErrRecorded
	}
	r.closed = true
	end := r.latest.Sub(r.start)
	for _, t := range r.tracks {
		if t.ogg != nil {
			end = max(end, t.ogg.Position())
		}
	}
	var failed []error
	for _, user := range r.Users() {
		if err := r.tracks[user].close(end); err != nil {
			failed = append(failed, &TrackError{User: user, Err: err})
		}
	}
	return errors.Join(failed...)
}

// Users returns the users who have a file, in the order of their ids.
func (r *Recorder) Users() []snowflake.ID {
	users := make([]snowflake.ID, 0, len(r.tracks))
	for user := range r.tracks {
		users = append(users, user)
	}
	slices.Sort(users)
	return users
}

// Duration returns how long the recording is.
func (r *Recorder) Duration() time.Duration { return r.latest.Sub(r.start) }
