package client

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refusedForGood says whether a repeated handshake would be refused again.
func refusedForGood(err error) bool {
	switch status.Code(err) {
	case codes.Unauthenticated, codes.PermissionDenied, codes.InvalidArgument, codes.AlreadyExists:
		return true
	default:
		return false
	}
}

// verdict is what the end of a stream means for what it carried.
type streamVerdict int

const (
	resend  streamVerdict = iota // open another stream and send all again
	discard                      // what is in flight is refused, go on without it
	fatal                        // the logger is refused
)

func judge(err error) streamVerdict {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound:
		return discard
	case codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return fatal
	default:
		return resend
	}
}

// describeStatus says what a server or the transport answered.
func describeStatus(err error) string {
	if errors.Is(err, io.EOF) {
		return "the server ended the stream"
	}
	if answer, ok := status.FromError(err); ok && answer.Code() != codes.Unknown {
		return fmt.Sprintf("%s: %s", answer.Code(), answer.Message())
	}
	return err.Error()
}
