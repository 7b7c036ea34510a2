package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver"
)

// options returns what the flags say of the server.
func (p *program) options(key lvsp.TokenKey) ([]voiceserver.Option, error) {
	o := p.o
	options := []voiceserver.Option{
		voiceserver.WithLogger(p.log),
		voiceserver.WithTokenKey(key, o.tokenLife),
		voiceserver.WithMaxConnections(o.connections),
		voiceserver.WithChannelSize(o.channelSize),
		voiceserver.WithCapacity(o.capacity),
	}
	if o.endpoint != "" {
		options = append(options, voiceserver.WithEndpoint(o.endpoint))
	}
	if o.address != nil {
		options = append(options, voiceserver.WithAddress(o.address))
	}
	switch {
	case o.withoutTLS:
		// Behind a proxy all clients have its address.
		options = append(options, voiceserver.WithoutTLS(), voiceserver.WithAddressLimits(0, 0))
	case o.cert != "":
		pair, err := loadKeyPair(o.cert, o.key)
		if err != nil {
			return nil, err
		}
		options = append(options, voiceserver.WithTLS(pair.config()))
	}
	if o.requireE2EE {
		options = append(options, voiceserver.WithE2EERequired())
	}
	if o.withoutE2EE {
		options = append(options, voiceserver.WithoutE2EE())
	}
	return options, nil
}

// sockets opens those for audio, on ports that follow each other.
func (o *options) sockets() (sockets []net.PacketConn, err error) {
	host, name, err := net.SplitHostPort(o.udp)
	if err != nil {
		return nil, err
	}
	first, err := strconv.ParseUint(name, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("-udp: port %q is no number", name)
	}
	for i := range o.udpPorts {
		port := int(first)
		if port != 0 {
			port += i
		}
		socket, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			closeAll(sockets)
			return nil, err
		}
		sockets = append(sockets, socket)
	}
	return sockets, nil
}

func closeAll(sockets []net.PacketConn) {
	for _, s := range sockets {
		_ = s.Close()
	}
}
