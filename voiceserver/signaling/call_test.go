package signaling_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCall(t *testing.T) {
	s := newHarness(t)
	a := s.join(1)
	a.connect()
	require.Equal(t, []string{`8 {"v":8,"heartbeat_interval":13750}`}, a.take())
	a.identify()
	require.Equal(t, []string{fmt.Sprintf(`2 {"ssrc":%d,"ip":"192.0.2.1","port":5000,"modes":["aead_aes256_gcm_rtpsize","aead_xchacha20_poly1305_rtpsize"],"heartbeat_interval":13750}`, a.ready.SSRC)}, a.take())
	a.discover()
	require.Len(t, a.others, 1)
	a.selectProtocol("aead_xchacha20_poly1305_rtpsize")
	require.Len(t, a.take(), 1, "the session description")
	a.speak(1)
	a.say("nobody is here")

	b := s.call(2)
	require.Equal(t, []string{`11 {"user_ids":["2"]}`}, a.take())
	require.Equal(t, []string{`11 {"user_ids":["1"]}`, fmt.Sprintf(`5 {"speaking":1,"delay":0,"ssrc":%d,"user_id":"1"}`, a.ready.SSRC)}, b.take()[3:])
	a.say("hello")
	require.Equal(t, []string{"hello"}, b.heardPayloads())
	b.speak(5)
	b.say("hi")
	require.Equal(t, []string{"hi"}, a.heardPayloads())
	require.Equal(t, []string{fmt.Sprintf(`5 {"speaking":5,"delay":0,"ssrc":%d,"user_id":"2"}`, b.ready.SSRC)}, a.take())

	s.core.Leave(s.now, guild, 2)
	s.settle()
	require.EqualValues(t, 4014, b.close)
	require.Equal(t, []string{`13 {"user_id":"2"}`}, a.take())
}
