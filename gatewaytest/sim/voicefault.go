package sim

import (
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A VoiceFault is something that goes wrong in a [VoiceSim].
type VoiceFault string

// The faults.
const (
	VoiceCut        VoiceFault = "cut"            // the websocket breaks, within a message or between two
	VoiceHalfOpen   VoiceFault = "half-open"      // nothing arrives any more, and neither end is told
	VoiceServerCut  VoiceFault = "server cut"     // the server breaks the websocket
	VoiceStall      VoiceFault = "stall"          // the server sends nothing for a while
	VoiceCrash      VoiceFault = "crash"          // 4015: resume
	VoiceRestart    VoiceFault = "restart"        // a code below 4000: resume
	VoiceExpire     VoiceFault = "expire"         // 4006, 4009 and others after which only a new session helps
	VoiceRefuse     VoiceFault = "refuse"         // 4004, 4016, 4017 and others after which nothing helps
	VoiceKick       VoiceFault = "kick"           // 4014, and VOICE_STATE_UPDATE without a channel
	VoiceMove       VoiceFault = "move"           // 4014, and events for another channel
	VoiceDestroy    VoiceFault = "destroy"        // 4022 for all in a channel, and no event
	VoiceMoveServer VoiceFault = "move server"    // 4022 for all in a guild, and VOICE_SERVER_UPDATE
	VoiceServerDies VoiceFault = "server dies"    // without a word, and Discord finds others
	VoiceLateEvent  VoiceFault = "late event"     // the VOICE_SERVER_UPDATE of a move, or of a new session, takes seconds
	VoiceLostEvent  VoiceFault = "lost event"     // it never comes
	VoiceBadNetwork VoiceFault = "bad network"    // datagrams get lost, doubled, late and padded
	VoiceOutage     VoiceFault = "outage"         // no datagram arrives
	VoiceRebind     VoiceFault = "rebind"         // datagrams come from another port
	VoiceReselect   VoiceFault = "reselect"       // the client asks for another encryption mode
	VoiceSilence    VoiceFault = "mute or deafen" // by a moderator, for a while
	VoiceOwnMove    VoiceFault = "own move"       // the client asks for the other channel
	VoiceGatewayNew VoiceFault = "gateway new"    // the main gateway of the client had to identify anew
	VoiceGatewayOff VoiceFault = "gateway off"    // it takes no commands for a while, and a new session is needed
)

// everyVoiceFault has what is frequent more often.
func everyVoiceFault() (all []VoiceFault) {
	for _, f := range []VoiceFault{
		VoiceServerCut, VoiceStall, VoiceCrash, VoiceRestart, VoiceExpire, VoiceLateEvent, VoiceOutage, VoiceRebind, VoiceReselect, VoiceSilence,
		VoiceCut, VoiceHalfOpen, VoiceMove, VoiceBadNetwork, VoiceCut, VoiceHalfOpen, VoiceMove, VoiceBadNetwork,
	} {
		all = append(all, f, f, f, f, f, f)
	}
	return append(all, VoiceOwnMove, VoiceOwnMove, VoiceGatewayNew, VoiceGatewayNew, VoiceGatewayOff, VoiceGatewayOff,
		VoiceRefuse, VoiceRefuse, VoiceKick, VoiceKick, VoiceLostEvent, VoiceLostEvent, VoiceMoveServer, VoiceDestroy, VoiceServerDies)
}

var (
	voiceResumeCodes = []closecode.Voice{1001, 1006, 1011, 1012, 1013, 3000}
	voiceExpireCodes = []closecode.Voice{
		closecode.VoiceSessionInvalid, closecode.VoiceSessionTimedOut, closecode.VoiceUnknownOpcode, closecode.VoiceDecodeError,
		closecode.VoiceNotAuthenticated, closecode.VoiceAlreadyAuthenticated, closecode.VoiceServerNotFound, 4999,
	}
	voiceRefuseCodes = []closecode.Voice{
		closecode.VoiceAuthenticationFailed, closecode.VoiceUnknownProtocol, closecode.VoiceUnknownEncryptionMode,
		closecode.VoiceE2EERequired, closecode.VoiceRateLimited,
	}
)

func (m *voiceSimulation) voiceFaultPause() time.Duration {
	return time.Duration(m.rng.ExpFloat64() * float64(m.FaultEvery) / float64(m.Calls))
}

// makeFault lets something go wrong for a random user.
func (m *voiceSimulation) makeFault() {
	if m.settled != 0 {
		return
	}
	m.after(m.voiceFaultPause(), m.makeFault)
	f := m.Faults[m.rng.IntN(len(m.Faults))]
	if u := m.users[m.rng.IntN(len(m.users))]; u.call != nil && u.fail(f) {
		m.Injected[f]++
	}
}

// fail lets something go wrong, and reports whether it could.
func (u *voiceUser) fail(f VoiceFault) bool {
	switch f {
	case VoiceCut, VoiceHalfOpen:
		return u.call.link != nil && u.call.link.breakNow(f == VoiceHalfOpen)
	case VoiceKick:
		return u.kick()
	case VoiceMove:
		return u.move(u.guild.other(u.place.channel))
	case VoiceDestroy:
		return u.place.channel != 0 && u.guild.destroy(u.place.channel)
	case VoiceMoveServer:
		return u.changeServer()
	case VoiceServerDies:
		return u.guild.host != nil && u.guild.host.die()
	case VoiceLateEvent, VoiceLostEvent:
		return u.misinform(f)
	case VoiceBadNetwork, VoiceOutage:
		return u.suffer(f)
	case VoiceRebind, VoiceReselect:
		return u.renegotiate(f)
	case VoiceSilence:
		return u.silence()
	case VoiceOwnMove, VoiceGatewayNew, VoiceGatewayOff:
		return u.failGateway(f)
	}
	return u.failAtServer(f)
}

// failAtServer lets the server do something to the user's connection.
func (u *voiceUser) failAtServer(f VoiceFault) (done bool) {
	h := u.guild.host
	if h == nil {
		return false
	}
	h.do(func(now time.Time) {
		n := 0
		switch f {
		case VoiceServerCut:
			n = h.core.Cut(now, u.id)
		case VoiceStall:
			n = h.core.Stall(now, u.id, time.Second+u.m.upTo(40*time.Second))
		case VoiceCrash:
			n = h.core.Close(now, u.id, closecode.VoiceServerCrashed)
		case VoiceRestart:
			n = h.core.Close(now, u.id, u.m.one(voiceResumeCodes))
		case VoiceExpire:
			n = h.core.Close(now, u.id, u.m.one(voiceExpireCodes))
		case VoiceRefuse:
			code := u.m.one(voiceRefuseCodes)
			n = h.core.Close(now, u.id, code)
			// A token may be wrong because there is a newer one.
			renews := code == closecode.VoiceAuthenticationFailed && u.call.life.Connects() > 0
			u.doomed = u.doomed || n > 0 && !renews
		}
		done = n > 0
	})
	return done
}

func (m *voiceSimulation) one(codes []closecode.Voice) closecode.Voice {
	return codes[m.rng.IntN(len(codes))]
}

// failGateway lets the client move, or its main gateway lose its session or
// its connection.
func (u *voiceUser) failGateway(f VoiceFault) bool {
	c := u.call
	if u.place.channel == 0 || c.over {
		return false
	}
	switch f {
	case VoiceOwnMove:
		u.faultAt = u.m.now
		c.input(func(now time.Time) { c.life.Move(now, u.guild.other(c.life.Channel())) })
	case VoiceGatewayNew:
		u.gateway++
		c.input(c.life.HandleGateway)
	case VoiceGatewayOff:
		u.away = max(u.away, u.m.now+u.m.upTo(20*time.Second))
		u.missed = true
		return u.failAtServer(VoiceExpire)
	}
	return true
}

// changeServer moves the user's guild to another server.
func (u *voiceUser) changeServer() bool {
	to := u.m.spare(u.guild.host)
	if u.guild.host == nil || to == nil {
		return false
	}
	u.guild.relocate(to)
	return true
}

// misinform lets the next VOICE_SERVER_UPDATE come late or never, and makes one
// necessary.
func (u *voiceUser) misinform(f VoiceFault) bool {
	u.delay = voiceLate
	if f == VoiceLostEvent {
		u.delay = voiceMissing
	}
	if u.m.chance(0.5) && u.move(u.guild.other(u.place.channel)) || u.failAtServer(VoiceExpire) {
		return true
	}
	u.delay = voiceOnTime
	return false
}

// suffer makes the way of the datagrams bad, for a while.
func (u *voiceUser) suffer(f VoiceFault) bool {
	n := &relay.Network{Loss: 1}
	if f == VoiceBadNetwork {
		n = &relay.Network{
			Loss: u.m.rng.Float64() / 2, Duplicate: u.m.rng.Float64() / 2, Reorder: u.m.rng.Float64(), Padding: u.m.rng.Float64(),
			Delay: u.m.upTo(200 * time.Millisecond), Jitter: 1 + u.m.upTo(200*time.Millisecond),
		}
		for _, h := range u.m.hosts {
			h.relay.SetNetwork(*n, u.id)
		}
	}
	u.net = n
	u.m.after(time.Second+u.m.upTo(20*time.Second), u.recover)
	return true
}

// recover makes the network as it usually is.
func (u *voiceUser) recover() {
	u.net = nil
	for _, h := range u.m.hosts {
		h.relay.SetNetwork(relay.Network{Padding: u.m.Network.Padding}, u.id)
	}
}

// renegotiate changes where the audio comes from, which the client may notice
// or not, or how it is encrypted.
func (u *voiceUser) renegotiate(f VoiceFault) bool {
	md := u.call.media
	if md == nil || md.sealer == nil {
		return false
	}
	if f == VoiceReselect {
		md.mode = rtp.Modes()[u.m.rng.IntN(len(rtp.Modes()))]
		u.call.selectProtocol()
		return true
	}
	md.rebind()
	if u.m.chance(0.5) {
		md.ask()
		u.call.rearm()
	}
	return true
}

// silence lets a moderator mute and deafen the user, or allow it to speak and
// hear again.
func (u *voiceUser) silence() bool {
	u.restrict(signaling.MemberState{Mute: u.m.chance(0.3), Deaf: u.m.chance(0.5), Suppress: u.m.chance(0.2)})
	return true
}

func (u *voiceUser) restrict(state signaling.MemberState) {
	u.state = state
	h := u.guild.host
	if h == nil || u.place.channel == 0 {
		return
	}
	h.do(func(time.Time) {
		if err := h.core.SetState(u.guild.id, u.id, state); err != nil {
			u.m.problem("user %d: %v", u.id, err)
		}
	})
	u.tellState()
}
