package catalog

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// What InitRun answers when something that was named is not there.
var (
	ErrNoWorkspace = errors.New("no such workspace")
	ErrNoProject   = errors.New("no such project")
	ErrNoParent    = errors.New("no such parent run")
)

// NameError tells which name is not one, and why.
type NameError struct {
	What string // workspace, project, run, …
	Name string
	Rule string
}

func (e *NameError) Error() string { return fmt.Sprintf("%s name %q %s", e.What, e.Name, e.Rule) }

// maxName bounds names in bytes: they travel in addresses.
const maxName = 1024

func checkName(what, name string) error {
	rule := ""
	switch {
	case name == "":
		rule = "must not be empty"
	case len(name) > maxName:
		rule = fmt.Sprintf("is longer than %d bytes", maxName)
		name = name[:32] + "…"
	case !utf8.ValidString(name):
		rule = "must be UTF-8"
	}
	for _, r := range name {
		if rule == "" && unicode.IsControl(r) {
			rule = fmt.Sprintf("must not contain the control character %U", r)
		}
	}
	if rule == "" {
		return nil
	}
	return &NameError{What: what, Name: name, Rule: rule}
}
