package reader

import "google.golang.org/protobuf/reflect/protoreflect"

// pageSize is the most that the server gives at once.
const pageSize = 1000

// byOffset is the follower of requests that have limit and offset, and answers that have
// a total_count; nil of others.
func (c *Call) byOffset(most int64) func(*Answer) (more bool, err error) {
	fields := c.request.Descriptor().Fields()
	offset, limit := fields.ByName("offset"), fields.ByName("limit")
	total := c.answer.Descriptor().Fields().ByName("total_count")
	if offset == nil || limit == nil || total == nil {
		return nil
	}
	got := number(c.request, offset)
	end := int64(0)
	if most > 0 {
		end = got + most
	}
	ask := func() {
		n := int64(pageSize)
		if end > 0 {
			n = min(n, end-got)
		}
		setNumber(c.request, limit, n)
		setNumber(c.request, offset, got)
	}
	ask()
	return func(page *Answer) (bool, error) {
		message, err := page.decode()
		if err != nil {
			return false, err
		}
		answer := message.ProtoReflect()
		n := int64(items(answer))
		asked := number(c.request, limit)
		if got += n; n < asked || got >= number(answer, total) || end > 0 && got >= end {
			return false, nil
		}
		ask()
		return true, nil
	}
}

// items counts what the first list of an answer holds: others say more of the same.
func items(answer protoreflect.Message) int {
	fields := answer.Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.IsList() {
			return answer.Get(f).List().Len()
		}
	}
	return 0
}

// The QueryService has these numbers as int64, the ViewsService as uint32 and uint64.

func number(m protoreflect.Message, f protoreflect.FieldDescriptor) int64 {
	if f.Kind() == protoreflect.Int64Kind {
		return m.Get(f).Int()
	}
	return int64(m.Get(f).Uint())
}

func setNumber(m protoreflect.Message, f protoreflect.FieldDescriptor, n int64) {
	switch f.Kind() {
	case protoreflect.Int64Kind:
		m.Set(f, protoreflect.ValueOfInt64(n))
	case protoreflect.Uint32Kind:
		m.Set(f, protoreflect.ValueOfUint32(uint32(n)))
	default:
		m.Set(f, protoreflect.ValueOfUint64(uint64(n)))
	}
}
