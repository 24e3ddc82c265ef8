package client

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire"
)

// A ValidationError names a value that cannot be and the rule it breaks.
// Nothing of the call that gets one is logged or counted.
type ValidationError struct{ Text string }

func (e *ValidationError) Error() string { return e.Text }

func invalid(format string, args ...any) error {
	return &ValidationError{Text: fmt.Sprintf(format, args...)}
}

// The characters that the query grammar gives a meaning.
const grammarCharacters = `()[],=<>!~"|`

// maxStep is the highest step the protocol can carry.
const maxStep = math.MaxInt64

var reservedEnvironments = []string{
	"c", "w", "new", "runs", "environments", "charts", "compare", "settings",
}

var computedEnvironmentPaths = []string{"environment_id", "latest_episode", "latest_rl_step"}

func checkSeries(s point.Series) error {
	if err := checkToken("metric name", s.Name, ""); err != nil {
		return err
	}
	if s.Scale != "" {
		if err := checkToken("scale", s.Scale, ""); err != nil {
			return err
		}
	}
	for _, label := range s.Labels {
		if err := checkToken("label key", label.Key, "&"); err != nil {
			return err
		}
		if err := checkLabelValue(label); err != nil {
			return err
		}
	}
	return nil
}

func checkEnvironment(id string) error {
	if err := checkToken("environment id", id, `/\?#%`); err != nil {
		return err
	}
	if slices.Contains(reservedEnvironments, strings.ToLower(id)) {
		return invalid("invalid environment id %q: the name is reserved", id)
	}
	return nil
}

func checkLabelValue(label point.Label) error {
	for _, c := range label.Value {
		if c == '=' || c == '&' || unicode.IsControl(c) {
			return invalid("invalid label value %q of %q: it must not contain %q", label.Value, label.Key, c)
		}
	}
	return checkText("label value", label.Value)
}

// checkToken checks a name that the query grammar must be able to hold.
func checkToken(what, text, forbidden string) error {
	if text == "" {
		return invalid("invalid %s %q: it must not be empty", what, text)
	}
	if strings.HasPrefix(text, ":") {
		return invalid("invalid %s %q: it must not start with ':'", what, text)
	}
	for _, c := range text {
		if unicode.IsSpace(c) || unicode.IsControl(c) {
			return invalid("invalid %s %q: it must not contain whitespace or control characters, such as %q",
				what, text, c)
		}
		if strings.ContainsRune(grammarCharacters, c) || strings.ContainsRune(forbidden, c) {
			return invalid("invalid %s %q: it must not contain %q", what, text, c)
		}
	}
	return checkText(what, text)
}

func checkText(what, text string) error {
	if !utf8.ValidString(text) {
		return invalid("invalid %s %q: it is not UTF-8", what, text)
	}
	return nil
}

// checkRunAttribute checks what may be set on a run: of the system's own
// paths only tags and description.
func checkRunAttribute(a *wire.AttributeUpdate) error {
	if err := checkToken("attribute path", a.Path, ""); err != nil {
		return err
	}
	switch {
	case a.Path == "sys/tags":
		if a.Kind != wire.AttributeStringSet && a.Kind != wire.AttributeStringSetDelta {
			return invalid("attribute %q must be a set of strings", a.Path)
		}
	case a.Path == "sys/description":
		if a.Kind != wire.AttributeString {
			return invalid("attribute %q must be a string", a.Path)
		}
	case a.Path == "sys" || strings.HasPrefix(a.Path, "sys/"):
		return invalid("attribute path %q is reserved: only sys/tags and sys/description can be set", a.Path)
	}
	return checkAttributeText(a)
}

func checkEnvironmentAttribute(a *wire.AttributeUpdate) error {
	if err := checkToken("attribute path", a.Path, ""); err != nil {
		return err
	}
	if slices.Contains(computedEnvironmentPaths, a.Path) {
		return invalid("attribute path %q is reserved: the server computes it", a.Path)
	}
	return checkAttributeText(a)
}

func checkAttributeText(a *wire.AttributeUpdate) error {
	for _, texts := range [][]string{{a.String}, a.Strings, a.Removed} {
		for _, text := range texts {
			if err := checkText("value of the attribute "+a.Path, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkRange checks that n consecutive steps from first exist.
func checkRange(what string, first uint64, n int) error {
	if first > maxStep || uint64(n-1) > maxStep-first {
		return invalid("invalid %s %d for %d points: the last would be above %d", what, first, n, uint64(maxStep))
	}
	return nil
}

func checkSteps(what string, steps []uint64) error {
	for i, step := range steps {
		if step > maxStep {
			return invalid("invalid %s %d at index %d: it is above %d", what, step, i, uint64(maxStep))
		}
	}
	return nil
}
