package client

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// frameCodec sends frames that are encoded already, so that a request is the
// same bytes each time it is sent, and does not look into acknowledgements:
// they are counted only.
type frameCodec struct{}

// acknowledgement is what an UpdateRunResponse is read into.
type acknowledgement struct{}

func (frameCodec) Name() string { return "proto" }

func (frameCodec) Marshal(message any) (mem.BufferSlice, error) {
	frame, ok := message.([]byte)
	if !ok {
		return nil, fmt.Errorf("client: BUG: %T is not a frame", message)
	}
	return mem.BufferSlice{mem.SliceBuffer(frame)}, nil
}

func (frameCodec) Unmarshal(_ mem.BufferSlice, message any) error {
	if _, ok := message.(*acknowledgement); !ok {
		return fmt.Errorf("client: BUG: %T is not an acknowledgement", message)
	}
	return nil
}
