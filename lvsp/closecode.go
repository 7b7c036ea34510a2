package lvsp

import "strconv"

// A CloseCode is the code of the websocket close frame that ends a link. Codes
// below 4000 are those of the websocket protocol (RFC 6455, section 7.4.1).
type CloseCode uint16

// The document has the codes up to 4002. The others follow Discord's, so that
// a backend of the document takes them for an ordinary close.
const (
	NormalClosure        CloseCode = 1000
	AbnormalClosure      CloseCode = 1006 // local: there was no close frame
	GeneralError         CloseCode = 4000 // reconnect
	AuthenticationFailed CloseCode = 4001 // the secret is wrong: do not reconnect
	DecodeError          CloseCode = 4002 // a message was not JSON, made no sense, or was over MaxMessage
	NotAuthenticated     CloseCode = 4003 // something else came before IDENTIFY or RESUME, or neither came in time
	AlreadyAuthenticated CloseCode = 4005 // a second IDENTIFY or RESUME
	RateLimited          CloseCode = 4008 // more than MessageLimit messages in MessagePeriod
	SessionTimedOut      CloseCode = 4009 // no heartbeat in time
)

func (c CloseCode) String() string {
	switch c {
	case NormalClosure:
		return "normal closure"
	case AbnormalClosure:
		return "abnormal closure"
	case GeneralError:
		return "general error"
	case AuthenticationFailed:
		return "authentication failed"
	case DecodeError:
		return "decode error"
	case NotAuthenticated:
		return "not authenticated"
	case AlreadyAuthenticated:
		return "already authenticated"
	case RateLimited:
		return "rate limited"
	case SessionTimedOut:
		return "session timed out"
	}
	return "close code " + strconv.Itoa(int(c))
}
