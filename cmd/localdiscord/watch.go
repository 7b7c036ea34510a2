package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/discordpkg/gateway/gatewaytest"
)

// watch logs what changes until ctx ends.
func watch(ctx context.Context, srv *gatewaytest.Server, log *slog.Logger) {
	w := &watcher{log: log, sessions: make(map[string]gatewaytest.SessionInfo)}
	for {
		err := srv.Wait(ctx, w.differs)
		s := srv.Stats()
		w.update(s, srv.Sessions(), srv.Violations())
		if err != nil {
			log.Info("stopped", "connections", s.Connections, "identifies", s.Identifies, "resumes", s.Resumes,
				"dispatches", s.Dispatches, "violations", s.Violations)
			return
		}
	}
}

// A watcher finds out what happened between two looks.
type watcher struct {
	log      *slog.Logger
	stats    gatewaytest.Stats
	sessions map[string]gatewaytest.SessionInfo
}

// differs reports whether something happened that is worth a line.
func (w *watcher) differs(s gatewaytest.Stats) bool {
	return s.Connections != w.stats.Connections || s.Open != w.stats.Open || s.Sessions != w.stats.Sessions ||
		s.Identifies != w.stats.Identifies || s.Resumes != w.stats.Resumes || s.Invalid != w.stats.Invalid ||
		s.Violations != w.stats.Violations || s.Faults != w.stats.Faults
}

func (w *watcher) update(s gatewaytest.Stats, sessions []gatewaytest.SessionInfo, violations []gatewaytest.Violation) {
	if n := s.Connections - w.stats.Connections; n > 0 {
		w.log.Debug("connected", "connections", n, "open", s.Open)
	}
	if n := s.Faults - w.stats.Faults; n > 0 {
		w.log.Info("faults happened", "faults", n)
	}
	if n := s.Invalid - w.stats.Invalid; n > 0 {
		w.log.Info("answered with an invalid session", "times", n)
	}
	fresh := min(s.Violations-w.stats.Violations, len(violations))
	for _, v := range violations[len(violations)-max(0, fresh):] {
		w.log.Warn("a rule was broken", "rule", v.Text, "code", uint16(v.Code), "connection", v.Conn, "session", v.SessionID)
	}
	w.stats = s
	w.compare(sessions)
}

// compare tells of each session what became of it.
func (w *watcher) compare(sessions []gatewaytest.SessionInfo) {
	now := make(map[string]gatewaytest.SessionInfo, len(sessions))
	for _, s := range sessions {
		now[s.ID] = s
		old, known := w.sessions[s.ID]
		log := w.log.With("session", s.ID, "shard", fmt.Sprintf("%d/%d", s.ShardID, s.ShardCount), "seq", s.Seq)
		switch {
		case !known:
			log.Info("session started", "connection", s.Conn, "intents", s.Intents)
		case s.Conn == old.Conn:
		case s.Conn == 0:
			log.Info("session disconnected")
		default:
			log.Info("session resumed", "connection", s.Conn)
		}
	}
	for id := range w.sessions {
		if _, ok := now[id]; !ok {
			w.log.Info("session ended", "session", id)
		}
	}
	w.sessions = now
}
