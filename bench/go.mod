module github.com/discordpkg/gateway/bench

go 1.26.0

replace github.com/discordpkg/gateway => ../

require (
	github.com/bwmarrin/discordgo v0.29.0
	github.com/discordpkg/gateway v0.0.0
	github.com/disgoorg/disgo v0.19.6
	github.com/disgoorg/godave v0.1.0
	github.com/disgoorg/snowflake/v2 v2.0.3
	github.com/gobwas/ws v1.5.0
	github.com/goccy/go-json v0.12.0
	github.com/gorilla/websocket v1.5.3
	github.com/klauspost/compress v1.20.3
	github.com/stretchr/testify v1.12.1
	golang.org/x/crypto v0.58.0
)

require (
	github.com/disgoorg/json/v2 v2.0.0 // indirect
	github.com/disgoorg/omit v1.0.0 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/sasha-s/go-csync v0.0.0-20240107134140-fcbab37b09ad // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
