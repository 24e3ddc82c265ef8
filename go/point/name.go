package point

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The characters that the query grammar gives a meaning.
const grammarCharacters = `()[],=<>!~"|`

// A NameError names a name that cannot be and the rule it breaks.
type NameError struct{ Text string }

func (e *NameError) Error() string { return e.Text }

func badName(format string, args ...any) error {
	return &NameError{fmt.Sprintf(format, args...)}
}

// CheckToken checks a name that the query grammar must be able to hold, and that must
// not have some further characters.
func CheckToken(what, text, forbidden string) error {
	if text == "" {
		return badName("invalid %s %q: it must not be empty", what, text)
	}
	if strings.HasPrefix(text, ":") {
		return badName("invalid %s %q: it must not start with ':'", what, text)
	}
	for _, c := range text {
		if unicode.IsSpace(c) || unicode.IsControl(c) {
			return badName("invalid %s %q: it must not contain whitespace or control characters, such as %q", what, text, c)
		}
		if strings.ContainsRune(grammarCharacters, c) || strings.ContainsRune(forbidden, c) {
			return badName("invalid %s %q: it must not contain %q", what, text, c)
		}
	}
	return CheckText(what, text)
}

// CheckText checks what may be any text.
func CheckText(what, text string) error {
	if !utf8.ValidString(text) {
		return badName("invalid %s %q: it is not UTF-8", what, text)
	}
	return nil
}

// Check tells whether a series may have this name, scale (empty means ML_STEP) and
// labels: the query grammar has no quotes to write others with.
func (s Series) Check() error {
	if err := CheckToken("metric name", s.Name, ""); err != nil {
		return err
	}
	if s.Scale != "" {
		if err := CheckToken("scale", s.Scale, ""); err != nil {
			return err
		}
	}
	for _, label := range s.Labels {
		if err := CheckToken("label key", label.Key, "&"); err != nil {
			return err
		}
		if err := label.checkValue(); err != nil {
			return err
		}
	}
	return nil
}

func (l Label) checkValue() error {
	for _, c := range l.Value {
		if c == '=' || c == '&' || unicode.IsControl(c) {
			return badName("invalid label value %q of %q: it must not contain %q", l.Value, l.Key, c)
		}
	}
	return CheckText("label value", l.Value)
}
