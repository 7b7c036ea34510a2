module github.com/discordpkg/gateway/voiceshard/pcm/bench

go 1.26.0

replace (
	github.com/discordpkg/gateway => ../../../
	github.com/discordpkg/gateway/voiceshard/pcm => ../
)

require github.com/discordpkg/gateway/voiceshard/pcm v0.0.0

require (
	github.com/discordpkg/gateway v0.0.0 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
	github.com/stretchr/testify v1.12.1
	github.com/thesyncim/gopus v0.1.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
