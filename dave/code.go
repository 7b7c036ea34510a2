package dave

import "errors"

// ErrCode reports a displayable code that cannot be made.
var ErrCode = errors.New("dave: the length of the code is more than the data has, or not a multiple of its groups")

const (
	codeGroup = 5 // digits, and bytes of data that make them

	privacyCodeLength     = 30
	fingerprintCodeLength = 45
)

// DisplayableCode returns data as decimal digits that people can compare,
// length of them, of which each group of digits comes from as many bytes. The
// group is of 1 to 7. The error is [ErrCode].
//
// https://daveprotocol.com/#displayable-codes
func DisplayableCode(data []byte, length, group int) (string, error) {
	if group < 1 || group > 7 || length < 0 || length > len(data) || length%group != 0 {
		return "", ErrCode
	}
	code := make([]byte, length)
	for at := 0; at < length; at += group {
		var v uint64
		for _, b := range data[at : at+group] {
			v = v<<8 | uint64(b)
		}
		for i := group - 1; i >= 0; i-- {
			code[at+i] = '0' + byte(v%10)
			v /= 10
		}
	}
	return string(code), nil
}
