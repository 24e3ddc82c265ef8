package point

import (
	"slices"
	"strings"
)

// The step scales the protocol knows by name. Any other text is a valid
// custom scale.
const (
	ScaleMLStep          = "ML_STEP"
	ScaleEpisode         = "EPISODE"
	ScaleEnvironmentStep = "ENVIRONMENT_STEP"
)

// DefaultEnvironment is the environment of RL points that name none.
const DefaultEnvironment = "default"

// Ordering says how the steps of a series relate to each other. The numbers
// are those of the wire's OrderingMode.
type Ordering uint8

// The orderings of a series.
const (
	// OrderingUndefined is what a declaration holds that names no ordering.
	OrderingUndefined Ordering = 0
	// RelativeOrdered is reserved by the protocol; no client sends it.
	RelativeOrdered Ordering = 1
	// Unordered series take any step from any number of loggers.
	Unordered Ordering = 2
	// Ordered series have one writer, whose steps only grow.
	Ordered Ordering = 3
)

// Label is one key of a series' label set with its value.
type Label struct {
	Key, Value string
}

// Series is the identity of a series within its run. Labels are sorted by
// key and hold each key once.
type Series struct {
	Name   string
	Scale  string
	Labels []Label
}

// SortLabels returns labels in the order in which a Series holds them.
func SortLabels(labels map[string]string) []Label {
	if len(labels) == 0 {
		return nil
	}
	sorted := make([]Label, 0, len(labels))
	for key, value := range labels {
		sorted = append(sorted, Label{key, value})
	}
	slices.SortFunc(sorted, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	return sorted
}

// FlatLabels writes the labels as the handshake does: key=value joined by &,
// empty for none. Neither character can occur in a label.
func (s Series) FlatLabels() string {
	var b strings.Builder
	for i, label := range s.Labels {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(label.Key)
		b.WriteByte('=')
		b.WriteString(label.Value)
	}
	return b.String()
}

// ParseFlatLabels reads what FlatLabels wrote, in any order; a part without =
// is skipped.
func ParseFlatLabels(flat string) []Label {
	labels := make(map[string]string)
	for part := range strings.SplitSeq(flat, "&") {
		if key, value, found := strings.Cut(part, "="); found {
			labels[key] = value
		}
	}
	return SortLabels(labels)
}

// Identity sorts series by name, then scale, then labels.
func (s Series) Identity() string { return s.Name + "\x00" + s.Scale + "\x00" + s.FlatLabels() }

// Key is the series as one string, equal exactly when the series are equal.
// Lengths stand before the parts, so that no character needs escaping.
func (s Series) Key() string {
	b := make([]byte, 0, 64)
	b = appendPart(b, s.Name)
	b = appendPart(b, s.Scale)
	for _, label := range s.Labels {
		b = appendPart(b, label.Key)
		b = appendPart(b, label.Value)
	}
	return string(b)
}

func appendPart(b []byte, part string) []byte {
	for n := len(part); ; n >>= 7 {
		if n < 0x80 {
			b = append(b, byte(n))
			break
		}
		b = append(b, byte(n)|0x80)
	}
	return append(b, part...)
}
