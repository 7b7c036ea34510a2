package gatewaytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/snowflake"
)

// resumePath is where resume_gateway_url leads.
const resumePath = "/resume/"

var apiPrefix = regexp.MustCompile(`^/api(/v(9|10))?`)

// handler answers what clients ask before they connect, and a little of what
// they ask afterwards, under /api/v9, /api/v10 and /api. Websockets may
// connect to any path that is none of the API's.
func (s *Server) handler() http.Handler {
	api := http.NewServeMux()
	api.HandleFunc("GET /gateway", s.getGateway)
	api.Handle("GET /gateway/bot", s.authorized(s.getGatewayBot))
	api.Handle("GET /users/@me", s.authorized(personal(s, world.User)))
	api.Handle("GET /users/@me/guilds", s.authorized(s.getGuilds))
	api.Handle("GET /oauth2/applications/@me", s.authorized(personal(s, world.Application)))
	api.Handle("GET /applications/@me", s.authorized(personal(s, world.Application)))
	api.Handle("GET /applications/{app}/commands", s.authorized(constant(`[]`)))
	api.Handle("PUT /applications/{app}/commands", s.authorized(constant(`[]`)))
	api.Handle("PUT /applications/{app}/guilds/{guild}/commands", s.authorized(constant(`[]`)))
	api.Handle("GET /guilds/{guild}", s.authorized(s.getGuild))
	api.Handle("GET /guilds/{guild}/channels", s.authorized(s.getChannels))
	api.Handle("POST /channels/{channel}/messages", s.authorized(s.postMessage))
	api.Handle("POST /channels/{channel}/typing", s.authorized(noContent))
	api.HandleFunc("POST /interactions/{id}/{token}/callback", noContent)
	api.HandleFunc("/", notFound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := apiPrefix.FindString(r.URL.Path)
		if prefix == "" {
			s.serveGateway(w, r)
			return
		}
		harmlessLimits(w.Header())
		r2 := r.Clone(r.Context())
		r2.URL.Path, r2.URL.RawPath = r.URL.Path[len(prefix):], ""
		api.ServeHTTP(w, r2)
	})
}

// harmlessLimits are headers of a bucket that never runs dry.
func harmlessLimits(h http.Header) {
	h.Set("X-RateLimit-Limit", "1000")
	h.Set("X-RateLimit-Remaining", "999")
	h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Unix()+1, 10))
	h.Set("X-RateLimit-Reset-After", "1.000")
	h.Set("X-RateLimit-Bucket", "gatewaytest")
}

func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone if this fails
}

func constant(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, []byte(body)) }
}

// personal answers with what is made for the bot that asks.
func personal(s *Server, body func(bot int) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { reply(w, http.StatusOK, []byte(body(s.bot(r)))) }
}

// bot returns who makes an authorized request.
func (s *Server) bot(r *http.Request) int {
	n, _ := s.world.Bot(r.Header.Get("Authorization"))
	return n
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func notFound(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusNotFound, []byte(`{"message":"404: Not Found","code":0}`))
}

// authorized lets only bots pass.
func (s *Server) authorized(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, known := s.world.Bot(r.Header.Get("Authorization")); !known {
			reply(w, http.StatusUnauthorized, []byte(`{"message":"401: Unauthorized","code":0}`))
			return
		}
		next(w, r)
	})
}

func (s *Server) getGateway(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, fmt.Appendf(nil, `{"url":%q}`, s.GatewayURL))
}

// getGatewayBot answers with the recommended shards and what is left of the
// day's session starts.
//
// https://discord.com/developers/docs/events/gateway#get-gateway-bot
func (s *Server) getGatewayBot(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	starts := s.world.SessionStarts(time.Now(), s.bot(r))
	s.mu.Unlock()
	reply(w, http.StatusOK, fmt.Appendf(nil, `{"url":%q,"shards":%d,"session_start_limit":{"total":%d,"remaining":%d,"reset_after":%d,"max_concurrency":%d}}`,
		s.GatewayURL, starts.Shards, starts.Total, starts.Remaining, starts.ResetAfter.Milliseconds(), starts.MaxConcurrency))
}

func (s *Server) getGuilds(w http.ResponseWriter, _ *http.Request) {
	body := []byte(`[`)
	for i, g := range s.Guilds() {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"id":"%d","name":%q,"icon":null,"owner":false,"permissions":"2248473465835073","features":[]}`, g.ID, g.Name)
	}
	reply(w, http.StatusOK, append(body, ']'))
}

// guildIn returns the guild that an id in the path belongs to: its own, or
// that of a channel.
func (s *Server) guildIn(r *http.Request, name string) (g *Guild, id snowflake.ID) {
	id, err := snowflake.Parse(r.PathValue(name))
	if err != nil {
		return nil, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.Guild(id), id
}

func (s *Server) getGuild(w http.ResponseWriter, r *http.Request) {
	if g, id := s.guildIn(r, "guild"); g != nil && g.ID == id {
		reply(w, http.StatusOK, g.JSON(s.bot(r)))
		return
	}
	notFound(w, r)
}

func (s *Server) getChannels(w http.ResponseWriter, r *http.Request) {
	if g, id := s.guildIn(r, "guild"); g != nil && g.ID == id {
		reply(w, http.StatusOK, g.ChannelsJSON())
		return
	}
	notFound(w, r)
}

// postMessage sends a message as the bot: it comes back as MESSAGE_CREATE.
func (s *Server) postMessage(w http.ResponseWriter, r *http.Request) {
	g, channel := s.guildIn(r, "channel")
	if g == nil {
		notFound(w, r)
		return
	}
	var m struct {
		Content string `json:"content"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil {
		reply(w, http.StatusBadRequest, []byte(`{"message":"400: Bad Request","code":0}`))
		return
	}
	var data []byte
	s.do(func(now time.Time, w *world.World) { data = w.Message(now, s.bot(r), g, channel, m.Content) })
	reply(w, http.StatusOK, data)
}
