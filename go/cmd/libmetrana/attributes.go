package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/metrana/metrana/go/client"
)

// attribute is one update as Python sends it: [path, kind, value].
type attribute struct{ client.Attribute }

func (a *attribute) UnmarshalJSON(text []byte) error {
	var kind string
	var value json.RawMessage
	if err := json.Unmarshal(text, &[]any{&a.Path, &kind, &value}); err != nil {
		return err
	}
	switch kind {
	case "null":
		return nil
	case "bool":
		a.Kind = client.AttributeBool
		return json.Unmarshal(value, &a.Bool)
	case "int":
		a.Kind = client.AttributeInt
		return json.Unmarshal(value, &a.Int)
	case "float":
		a.Kind = client.AttributeFloat
		return json.Unmarshal(value, &a.Float)
	case "string":
		a.Kind = client.AttributeString
		return json.Unmarshal(value, &a.String)
	case "string_set":
		a.Kind = client.AttributeStringSet
		return json.Unmarshal(value, &a.Strings)
	case "string_set_delta":
		a.Kind = client.AttributeStringSetDelta
		return json.Unmarshal(value, &[]any{&a.Strings, &a.Removed})
	case "timestamp":
		a.Kind = client.AttributeTimestamp
		var nanos int64
		err := json.Unmarshal(value, &nanos)
		a.Time = time.Unix(0, nanos)
		return err
	default:
		return fmt.Errorf("%q is no kind of attribute", kind)
	}
}

func parseAttributes(text []byte) ([]client.Attribute, error) {
	var parsed []attribute
	if err := json.Unmarshal(text, &parsed); err != nil {
		return nil, &client.ValidationError{Text: fmt.Sprintf("the attributes cannot be read: %v", err)}
	}
	updates := make([]client.Attribute, len(parsed))
	for i := range parsed {
		updates[i] = parsed[i].Attribute
	}
	return updates, nil
}
