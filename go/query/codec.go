package query

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire"
	pb "github.com/metrana/metrana/go/wire/pb/query"
)

// codec is connect's codec for binary messages, apart from pages of points. Equal
// messages become equal bytes: maps are written in the order of their keys.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message any) ([]byte, error) { return codec{}.MarshalAppend(nil, message) }

// MarshalAppend lets connect reuse its buffers.
func (codec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	switch m := message.(type) {
	case *pointsPage:
		defer m.memory.release()
		return wire.AppendSeriesPage(dst, m.ListFloatSeriesResponse)
	case *pb.ListRLEnvironmentFloatSeriesResponse:
		return wire.AppendRLSeriesPage(dst, m)
	case proto.Message:
		return proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, m)
	}
	return nil, fmt.Errorf("%T is not a protobuf message", message)
}

func (codec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a protobuf message", message)
	}
	return proto.Unmarshal(data, m)
}
