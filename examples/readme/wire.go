package readme

import (
	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
)

// smaller are options for less traffic.
func smaller() []gateway.Option {
	return []gateway.Option{
		gateway.WithTransportCompression(compress.NewZstdStream),
		gateway.WithEncoding(etf.Codec{}),
	}
}
