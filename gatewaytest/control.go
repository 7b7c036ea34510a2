package gatewaytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/snowflake"
)

// maxControl is the size of a request to the control handler.
const maxControl = 8 << 20

// ControlHandler lets programs in other languages do what tests in Go do. It
// checks no token: do not serve it where strangers are.
//
//	POST /dispatch    {"event":"MESSAGE_CREATE","data":{...}}           → {"sessions":1}
//	                  and its receivers, see [Target]: "guild_id", "session_id",
//	                  "shard":[id,count], "direct":true or "everyone":true
//	POST /fault       {"kind":"cut","after":100,"sessions":["..."]}     on connections, see [Fault]; all if none are named
//	                  {"kind":"refuse","status":500,"next":3}           on the next three connections
//	                  with durations as in "for":"10s" and "every":"5ms"
//	POST /generate    {"events":100}                                    made up events at once
//	POST /heartbeat                                                     asks every client for one
//	POST /voice       {"server":"move"} or "stop"                       see [Server.MoveVoice] and [Server.StopVoice]
//	                  {"guild_id":"...","user_id":"...","channel_id":"..."}  moves a bot, out of voice without a channel
//	                  {"guild_id":"...","user_id":"...","mute":true,"deaf":false}
//	                  {"close":4006}, {"cut":true}, {"stall":"5s"}      voice connections, of "user_id" if it is named
//	                  {"network":{"loss":0.1,"padding":0.5}}            see [voiceserver.Network], for "user_id" likewise
//	GET  /sessions    []SessionInfo
//	GET  /voice       []VoiceJoin, who is in voice
//	GET  /stats       Stats
//	GET  /guilds      []Guild
//	GET  /commands    []Command
//	GET  /violations  []Violation
//
// Errors have a status from 400 on and the body {"error":"..."}.
func (s *Server) ControlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /dispatch", control(s.controlDispatch))
	mux.HandleFunc("POST /fault", control(s.controlFault))
	mux.HandleFunc("POST /generate", control(s.controlGenerate))
	mux.HandleFunc("POST /heartbeat", func(w http.ResponseWriter, _ *http.Request) {
		s.RequestHeartbeats()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /voice", control(s.controlVoice))
	mux.HandleFunc("GET /sessions", show(s.Sessions))
	mux.HandleFunc("GET /voice", show(s.InVoice))
	mux.HandleFunc("GET /stats", show(s.Stats))
	mux.HandleFunc("GET /guilds", show(s.Guilds))
	mux.HandleFunc("GET /commands", show(s.Commands))
	mux.HandleFunc("GET /violations", show(s.Violations))
	return mux
}

func show[T any](get func() T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { replyJSON(w, http.StatusOK, get()) }
}

// control decodes a request and encodes what f makes of it.
func control[T any](f func(T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControl))
		d.DisallowUnknownFields()
		err := d.Decode(&request)
		var answer any
		if err == nil {
			answer, err = f(request)
		}
		if err != nil {
			replyJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		replyJSON(w, http.StatusOK, answer)
	}
}

func replyJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"not encodable"}`)
	}
	reply(w, status, body)
}

type dispatchRequest struct {
	Event     event.Type      `json:"event"`
	Data      json.RawMessage `json:"data"`
	GuildID   snowflake.ID    `json:"guild_id"`
	SessionID string          `json:"session_id"`
	Shard     *[2]uint        `json:"shard"`
	Direct    bool            `json:"direct"`
	Everyone  bool            `json:"everyone"`
}

func (r dispatchRequest) targets() (to []Target) {
	if r.GuildID != 0 {
		to = append(to, ToGuild(r.GuildID))
	}
	if r.SessionID != "" {
		to = append(to, ToSession(r.SessionID))
	}
	if r.Shard != nil {
		to = append(to, ToShard(r.Shard[0], r.Shard[1]))
	}
	if r.Direct {
		to = append(to, ToDirect())
	}
	if r.Everyone {
		to = append(to, ToEveryone())
	}
	return to
}

func (s *Server) controlDispatch(r dispatchRequest) (any, error) {
	if r.Event == "" {
		return nil, fmt.Errorf("gatewaytest: dispatch without event")
	}
	if r.Data == nil {
		r.Data = json.RawMessage("null")
	}
	n, err := s.Dispatch(r.Event, r.Data, r.targets()...)
	return map[string]int{"sessions": n}, err
}

type faultRequest struct {
	Fault
	For      string   `json:"for"`
	Every    string   `json:"every"`
	Sessions []string `json:"sessions"`
	Next     int      `json:"next"`
}

// maxNext is how many connections one request can prepare faults for.
const maxNext = 10_000

// fault returns the fault with the durations that are texts.
func (r faultRequest) fault() (Fault, error) {
	for _, field := range []struct {
		text string
		d    *time.Duration
	}{{r.For, &r.Fault.For}, {r.Every, &r.Fault.Every}} {
		if field.text == "" {
			continue
		}
		var err error
		if *field.d, err = time.ParseDuration(field.text); err != nil {
			return Fault{}, fmt.Errorf("gatewaytest: fault: %w", err)
		}
	}
	return r.Fault, nil
}

func (s *Server) controlFault(r faultRequest) (any, error) {
	f, err := r.fault()
	switch {
	case err != nil:
		return nil, err
	case r.Next > 0:
		return struct{}{}, s.InjectNext(f, min(r.Next, maxNext))
	}
	return struct{}{}, s.Inject(f, r.Sessions...)
}

// maxGenerate is how many events one request can make up.
const maxGenerate = 100_000

func (s *Server) controlGenerate(r struct {
	Events int `json:"events"`
}) (any, error) {
	n := min(max(0, r.Events), maxGenerate)
	s.do(func(now time.Time, w *world.World) {
		for range n {
			w.Generate(now)
		}
	})
	return map[string]int{"events": n}, nil
}
