package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/sharding"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceshard"
)

const hidden32 = "SECRETsecretSECRETsecretSECRETse" // 32 bytes

// carriers are the types whose JSON, or whose fields, must carry a secret in
// the open. They have Format and LogValue; nothing can help them where they
// are an unexported field of another type, or encoded as JSON.
var carriers = map[string]string{
	"Identify":                      "its JSON is what goes over the wire, and its BotToken has been a string since the first version",
	"Resume":                        "as Identify",
	"VoiceIdentify":                 "its JSON is what goes over the wire",
	"VoiceResume":                   "its JSON is what goes over the wire",
	"VoiceKey":                      "its JSON is what comes over the wire",
	"VoiceSessionDescription":       "its JSON is what comes over the wire",
	"VoiceSession":                  "its JSON is for a process that takes over",
	"lifecycle.VoiceServer":         "its JSON is VOICE_SERVER_UPDATE",
	"lifecycle.VoiceCheckpoint":     "its JSON is for a process that takes over",
	"lvsp.Identify":                 "its JSON is what goes over the wire",
	"lvsp.Resume":                   "its JSON is what goes over the wire",
	"lvsp.Info":                     "its token is what a backend hands to a user",
	"lvsp.Assignment":               "its token is what a backend hands to users",
	"lvsp.Voice":                    "its token is what a backend hands to a user",
	"lvsp.ChannelAssigned":          "it has an Assignment",
	"lvsp.StateCreated":             "it has a Voice",
	"gatewaytest.VoiceServer":       "its token is what a test says in VOICE_SERVER_UPDATE",
	"gatewaytest/world.VoiceServer": "its token is what a test says in VOICE_SERVER_UPDATE",
	"voiceserver/relay.Route":       "the key goes from one half of the server to the other",
	"discord.Application":           "its verify key is public",
	"discord.AuditLogChange":        "its key is a name",
}

// bearer is one value of each type that was told a secret.
func bearers(t *testing.T) (closed, open map[string]any) {
	var key gateway.VoiceKey
	copy(key[:], hidden32)
	secret, err := lvsp.NewSecret([]byte(hidden32))
	require.NoError(t, err)
	session := gateway.VoiceSession{
		ServerID: 1, UserID: 2, SessionID: "s", Token: hidden32, Endpoint: "voice.test",
		Description: gateway.VoiceSessionDescription{Mode: "m", SecretKey: key},
	}
	state, err := gateway.NewGatewayState(hidden32)
	require.NoError(t, err)
	voiceState, err := gateway.NewVoiceGatewayState(session)
	require.NoError(t, err)
	shard, err := gatewayshard.NewShard(0, hidden32, nil)
	require.NoError(t, err)
	group, err := sharding.NewGroup(hidden32, func(context.Context, sharding.Event) error { return nil })
	require.NoError(t, err)
	voice, err := voiceshard.New(voiceshard.GatewayFunc(func(context.Context, command.VoiceState) error { return nil }), 1)
	require.NoError(t, err)
	tokens, err := lvsp.NewTokenKey([]byte(hidden32))
	require.NoError(t, err)
	backend := lvsp.Backend{Name: "b", Secret: secret, AllowPlain: true}
	server, err := lvsp.NewServer(lvsp.WithBackend(backend))
	require.NoError(t, err)
	client, err := lvsp.NewClient(secret, lvsp.WithPlainSecret())
	require.NoError(t, err)
	life, err := lifecycle.NewVoice(1, 2, 3)
	require.NoError(t, err)
	life.Join(time.Unix(1, 0))
	life.HandleState(time.Unix(1, 0), lifecycle.VoiceState{GuildID: 1, ChannelID: 2, UserID: 3, SessionID: "s"})
	life.HandleServer(time.Unix(1, 0), lifecycle.VoiceServer{GuildID: 1, Token: hidden32, Endpoint: "voice.test"})
	closed = map[string]any{
		"lifecycle.Voice": life,
		"GatewayState":    state, "VoiceGatewayState": voiceState, "gatewayshard.Shard": shard, "sharding.Group": group, "voiceshard.Voice": voice,
		"lvsp.Secret": secret, "lvsp.TokenKey": tokens, "lvsp.Backend": backend, "lvsp.Server": server, "lvsp.Client": client,
		"gatewaytest.LVSP": gatewaytest.LVSP{URL: "ws://voice.test", Secret: secret},
		"voiceserver":      []voiceserver.Option{voiceserver.WithTokenKey(tokens, time.Hour)},
	}
	open = map[string]any{
		"Identify": gateway.Identify{BotToken: hidden32}, "Resume": gateway.Resume{BotToken: hidden32},
		"VoiceIdentify": gateway.VoiceIdentify{Token: hidden32}, "VoiceResume": gateway.VoiceResume{Token: hidden32},
		"VoiceKey": key, "VoiceSessionDescription": session.Description, "VoiceSession": session,
		"lifecycle.VoiceServer":     lifecycle.VoiceServer{Token: hidden32},
		"lifecycle.VoiceCheckpoint": lifecycle.VoiceCheckpoint{Session: session},
		"lvsp.Identify":             lvsp.Identify{Token: hidden32}, "lvsp.Resume": lvsp.Resume{Token: hidden32},
		"lvsp.ChannelAssigned": lvsp.ChannelAssigned{Assignment: lvsp.Assignment{Token: hidden32}},
		"lvsp.StateCreated":    lvsp.StateCreated{Voice: lvsp.Voice{Token: hidden32}},
		"lvsp.Info":            lvsp.Info{Token: hidden32}, "lvsp.Assignment": lvsp.Assignment{Token: hidden32}, "lvsp.Voice": lvsp.Voice{Token: hidden32},
		"gatewaytest.VoiceServer":       gatewaytest.VoiceServer{Token: hidden32},
		"gatewaytest/world.VoiceServer": world.VoiceServer{Token: hidden32},
		"voiceserver/relay.Route":       relay.Route{Key: key},
	}
	return closed, open
}

// shows returns how a text shows the secret, or nothing: as it is, in
// hexadecimal, as numbers, in base64.
func shows(text string) string {
	b := []byte(hidden32)
	for _, form := range []string{
		hidden32, hex.EncodeToString(b), strings.Trim(fmt.Sprint(b), "[]"), strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}"),
		strings.ReplaceAll(strings.Trim(fmt.Sprint(b), "[]"), " ", ","), base64.StdEncoding.EncodeToString(b)[:40],
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return text
		}
	}
	return ""
}

// printed is all that fmt and slog make of a value.
func printed(v any) map[string]string {
	all := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%e", "%t"} {
		all[verb] = fmt.Sprintf(verb, v)
	}
	all["error"] = fmt.Errorf("%v: %+v", v, v).Error()
	var text, object bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "v", v, slog.Group("g", "v", v))
	slog.New(slog.NewJSONHandler(&object, nil)).Info("x", "v", v, slog.Group("g", "v", v))
	all["slog text"], all["slog JSON"] = text.String(), object.String()
	return all
}

// pointerTo returns a pointer to a copy of v.
func pointerTo(v any) any {
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	return p.Interface()
}

// TestSecretsDoNotShow prints all that was told a secret in every way.
func TestSecretsDoNotShow(t *testing.T) {
	closed, open := bearers(t)
	type user struct{ field any }
	type exported struct{ Field any }
	for name, v := range closed {
		for form, value := range map[string]any{
			"bare": v, "by pointer": pointerTo(v), "unexported": user{v}, "pointer to unexported": &user{v}, "exported": exported{v}, "list": []any{v},
		} {
			for how, text := range printed(value) {
				require.Empty(t, shows(text), "%s, %s as %s", name, form, how)
			}
			if text, err := json.Marshal(value); err == nil {
				require.Empty(t, shows(string(text)), "%s, %s as JSON", name, form)
			}
		}
	}
	for name, v := range open {
		for form, value := range map[string]any{"bare": v, "by pointer": pointerTo(v), "exported": exported{v}, "list": []any{v}} {
			for how, text := range printed(value) {
				if how == "slog JSON" && (form == "exported" || form == "list") {
					continue // which is their JSON
				}
				require.Empty(t, shows(text), "%s, %s as %s", name, form, how)
			}
		}
		require.Contains(t, carriers, name)
	}
}

// TestSecretsAreKnown looks at every exported type of every package: a field
// whose name is that of a secret is a function, or the type is a carrier.
func TestSecretsAreKnown(t *testing.T) {
	sensitive := regexp.MustCompile(`(?i)(token|secret|password|privatekey|verifykey|secretkey)$|^key`)
	_, open := bearers(t)
	met := make(map[string]bool)
	for _, s := range sources(t) {
		if s.test || s.other || s.file.Name.Name == "main" || strings.HasPrefix(s.dir, "internal/") || strings.Contains(s.dir, "/internal/") {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok || !ts.Name.IsExported() {
					continue
				}
				name := strings.TrimPrefix(s.dir+"."+ts.Name.Name, "..")
				for _, field := range openSecrets(ts.Type, sensitive) {
					met[name] = true
					if carriers[name] == "" {
						t.Errorf("%s: %s.%s holds a secret in the open: keep it in a function, or name the type in carriers", s.at(ts), name, field)
					}
				}
			}
		}
	}
	for name := range carriers {
		if _, tried := open[name]; !tried && !strings.HasPrefix(name, "discord.") {
			t.Errorf("carriers: no value of %s is tried", name)
		}
		if !met[name] && !slices.Contains([]string{"VoiceKey", "VoiceSession", "lifecycle.VoiceCheckpoint", "lvsp.ChannelAssigned", "lvsp.StateCreated"}, name) {
			t.Errorf("carriers: %s holds nothing, strike it out", name)
		}
	}
}

// openSecrets returns the fields of a struct with the name of a secret that is
// text or bytes.
func openSecrets(x ast.Expr, sensitive *regexp.Regexp) (names []string) {
	st, ok := x.(*ast.StructType)
	if !ok {
		return nil
	}
	for _, field := range st.Fields.List {
		kind := fmt.Sprint(field.Type)
		if list, ok := field.Type.(*ast.ArrayType); ok {
			kind = "[]" + fmt.Sprint(list.Elt)
		}
		if sel, ok := field.Type.(*ast.SelectorExpr); ok {
			kind = sel.Sel.Name
		}
		for _, name := range field.Names {
			if sensitive.MatchString(name.Name) && slices.Contains([]string{"string", "[]byte", "VoiceKey"}, kind) {
				names = append(names, name.Name)
			}
		}
	}
	return names
}
