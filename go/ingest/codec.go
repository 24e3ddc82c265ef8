package ingest

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/metrana/metrana/go/wire"
	"github.com/metrana/metrana/go/wire/pb/ingestion"
)

// codec is connect's codec for binary messages, apart from requests with points.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message any) ([]byte, error) { return codec{}.MarshalAppend(nil, message) }

// MarshalAppend lets connect reuse its buffers.
func (codec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a protobuf message", message)
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, m)
}

func (codec) Unmarshal(data []byte, message any) error {
	if request, ok := message.(*ingestion.UpdateRunRequest); ok {
		return wire.UnmarshalRequest(data, request)
	}
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a protobuf message", message)
	}
	return proto.Unmarshal(data, m)
}
