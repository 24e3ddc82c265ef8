package ingest

import (
	"fmt"

	"google.golang.org/protobuf/proto"
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
	if u, ok := message.(*update); ok {
		return u.unmarshal(data)
	}
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a protobuf message", message)
	}
	return proto.Unmarshal(data, m)
}
