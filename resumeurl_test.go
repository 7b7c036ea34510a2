package gateway

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJudgeURL(t *testing.T) {
	const discord = "wss://gateway.discord.gg/?v=10&encoding=json"
	for _, c := range []struct {
		candidate, configured string
		hosts                 []string
		why                   string // empty: allowed
	}{
		{"wss://gateway-us-east1-b.discord.gg", discord, nil, ""},
		{"wss://gateway-us-east1-b.discord.gg:443/?x=1", discord, nil, ""},
		{"wss://GATEWAY.Discord.GG.", discord, nil, ""},
		{"wss://discord.gg", discord, nil, ""},
		{"ws://gateway.discord.gg", discord, nil, "not encrypted"},
		{"https://gateway.discord.gg", discord, nil, "neither ws nor wss"},
		{"wss://gateway.discord.gg.evil.test", discord, nil, "does not belong"},
		{"wss://discord.gg.co", discord, nil, "does not belong"},
		{"wss://evildiscord.gg", discord, nil, "does not belong"},
		{"wss://gateway.discord.gg@evil.test", discord, nil, "names a user"},
		{"wss://", discord, nil, "has no host"},
		{"wss://%zz", discord, nil, "cannot be parsed"},
		{"wss://" + strings.Repeat("x", 4096), discord, nil, "over 2048"},
		{"", discord, nil, "neither ws nor wss"},

		{"ws://127.0.0.1:2", "ws://127.0.0.1:1/?v=10&encoding=json", nil, ""},
		{"ws://127.0.0.2", "ws://127.0.0.1", nil, "does not belong"},
		{"ws://127.1", "ws://127.0.0.1", nil, "does not belong"},
		{"ws://2130706433", "ws://127.0.0.1", nil, "does not belong"},
		{"ws://[::1]:2", "ws://[::1]:1", nil, ""},
		{"ws://[0:0:0:0:0:0:0:1]:2", "ws://[::1]:1", nil, ""},
		{"ws://[::ffff:127.0.0.1]", "ws://127.0.0.1", nil, "does not belong"},
		{"ws://2.0.0.1", "ws://1.0.0.1", nil, "does not belong"},
		{"ws://localhost:2", "ws://localhost:1", nil, ""},
		{"ws://evil.localhost", "ws://localhost", nil, "does not belong"},
		{"wss://localhost", "ws://localhost", nil, ""},

		// A public suffix is where strangers live next door to each other.
		{"wss://evil.github.io", "wss://mine.github.io", nil, "does not belong"},
		{"wss://a.mine.github.io", "wss://mine.github.io", nil, ""},
		{"wss://evil.co.uk", "wss://mine.co.uk", nil, "does not belong"},
		{"wss://co.uk", "wss://co.uk", nil, ""},

		{"wss://resume.test", discord, []string{"resume.test"}, ""},
		{"wss://RESUME.test:8443", discord, []string{"resume.Test."}, ""},
		{"wss://a.resume.test", discord, []string{"resume.test"}, "does not belong"},
		{"wss://a.resume.test", discord, []string{"*.resume.test"}, ""},
		{"wss://resume.test", discord, []string{"*.resume.test"}, "does not belong"},
		{"wss://evilresume.test", discord, []string{"*.resume.test"}, "does not belong"},
		{"ws://resume.test", discord, []string{"resume.test"}, "not encrypted"},
		{"wss://10.0.0.7", discord, []string{"10.0.0.7"}, ""},
	} {
		err := JudgeURL(c.candidate, c.configured, c.hosts...)
		if c.why == "" {
			require.NoError(t, err, "%s under %s", c.candidate, c.configured)
			continue
		}
		require.ErrorIs(t, err, ErrURLRefused, "%s under %s", c.candidate, c.configured)
		require.ErrorContains(t, err, c.why)
	}
	require.ErrorIs(t, JudgeURL("wss://discord.gg", "wss://%zz"), ErrURLRefused)
}

func TestJudgeURLShowsNoSecret(t *testing.T) {
	for _, raw := range []string{
		"wss://bot:s3cret@evil.test", "wss://s3cret@evil.test", "ftp://bot:s3cret@evil.test/?token=s3cret", "wss://evil.test/?token=s3cret#s3cret",
		"wss://s3cret:s3cret@%zz", "wss://s3cret:pass@host:port",
	} {
		err := JudgeURL(raw, "wss://bot:s3cret@gateway.discord.gg")
		require.ErrorIs(t, err, ErrURLRefused)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

const readyElsewhere = `{"op":0,"s":1,"t":"READY","d":{"session_id":"abc","resume_gateway_url":"ws://evil.test"}}`

func TestRefusedResumeURLOfReady(t *testing.T) {
	p := newPeer(t)
	require.NoError(t, p.ResumeURLRefused())
	p.mustReceive(hello, readyElsewhere)
	require.Empty(t, p.ResumeURL())
	require.Equal(t, p.URL(), p.DialURL(), "the session is resumed through the ordinary url")
	require.ErrorIs(t, p.ResumeURLRefused(), ErrURLRefused)
	session, ok := p.Session()
	require.True(t, ok)
	require.Equal(t, Session{ID: "abc", Seq: 1}, session)

	p = newPeer(t, WithURL("ws://evil.test/?v=10&encoding=json"))
	p.mustReceive(hello, readyElsewhere)
	require.Equal(t, "ws://evil.test", p.ResumeURL())
	require.NoError(t, p.ResumeURLRefused())
}

// The options may come in any order.
func TestRefusedResumeURLOfSession(t *testing.T) {
	session := WithSession(Session{ID: "abc", ResumeURL: "wss://resume.test", Seq: 7})
	for _, opts := range [][]Option{{session}, {session, WithURL("wss://gateway.test/?v=10&encoding=json")}, {WithURL("wss://gateway.test/?v=10&encoding=json"), session}} {
		p := newPeer(t, opts...)
		require.Equal(t, p.URL(), p.DialURL())
		require.ErrorIs(t, p.ResumeURLRefused(), ErrURLRefused)
		require.True(t, p.HaveSessionID(), "the session itself is kept")
	}
	hosts := WithResumeHosts("resume.test", "10.0.0.1")
	for _, opts := range [][]Option{{session, hosts}, {hosts, session}, {WithURL("wss://other.test/?v=10&encoding=json"), session, hosts}} {
		p := newPeer(t, opts...)
		require.Equal(t, "wss://resume.test/?encoding=json&v=10", p.DialURL())
		require.NoError(t, p.ResumeURLRefused())
	}
	for _, opts := range [][]Option{{session, WithURL("wss://resume.test/?v=10&encoding=json")}, {WithURL("wss://resume.test/?v=10&encoding=json"), session}} {
		require.Equal(t, "wss://resume.test", newPeer(t, opts...).ResumeURL())
	}
}

func TestResumeHostsAreChecked(t *testing.T) {
	for _, bad := range []string{"", "*.", "*", "wss://x", "x:443", "a/b", "a@b", "*.*.x", "x y"} {
		_, err := NewGatewayState("token", WithResumeHosts(bad))
		require.ErrorContains(t, err, "resume host", bad)
	}
	for _, good := range []string{"x", "*.x", "10.0.0.1", "::1"} {
		_, err := NewGatewayState("token", WithResumeHosts(good))
		require.NoError(t, err, good)
	}
}

// FuzzJudgeURL holds the judge against the promises of its comment.
func FuzzJudgeURL(f *testing.F) {
	for _, c := range []string{"wss://gateway.discord.gg", "ws://gateway.discord.gg", "wss://a@discord.gg", "wss://[::1%25en0]:1", "wss://1.2.3.4.", "wss://discord.gg:x", "wss://.discord.gg", "wss://..", "//discord.gg"} {
		f.Add(c, DefaultURL)
		f.Add(c, "ws://127.0.0.1:1")
	}
	f.Fuzz(func(t *testing.T, candidate, configured string) {
		if err := JudgeURL(candidate, configured); err != nil {
			require.ErrorIs(t, err, ErrURLRefused)
			return
		}
		u, err := url.Parse(candidate)
		require.NoError(t, err)
		c, err := url.Parse(configured)
		require.NoError(t, err)
		require.Nil(t, u.User)
		require.NotEmpty(t, u.Hostname())
		require.True(t, u.Scheme == "wss" || u.Scheme == "ws" && c.Scheme != "wss")
		host, own := canonicalHost(u.Hostname()), canonicalHost(c.Hostname())
		shared := 0
		for shared < min(len(host), len(own)) && host[len(host)-1-shared] == own[len(own)-1-shared] {
			shared++
		}
		common := host[len(host)-shared:]
		require.True(t, host == own || numericHost(host) || strings.Contains(common, "."), "%q and %q have no domain in common", host, own)
	})
}
