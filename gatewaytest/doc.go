// Package gatewaytest is Discord's end of the gateway: a local Discord to test
// bots against, without a network, a token or a rate limit of the day.
package gatewaytest
