// Package splitmix is a hash of numbers that is good enough for made up data
// and for comparing runs. It is no cryptographic hash.
package splitmix

// Hash returns a hash of two numbers (the finaliser of SplitMix64).
func Hash(a, b uint64) uint64 {
	z := a ^ b*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
