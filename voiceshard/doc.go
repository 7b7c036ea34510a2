// Package voiceshard is the voice of a bot.
package voiceshard
