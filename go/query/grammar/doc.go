// Package grammar parses the strings of query requests: filters, orderings,
// series queries, summary columns and groupings of runs and environments. It
// imports nothing of Metrana and evaluates nothing.
//
//	filter   = and { "OR" and }          and  = prim { "AND" prim }
//	prim     = cond | "(" filter ")"
//	cond     = attr cmp lit | attr "~=" string | attr "CONTAINS" [ "ANY" | "ALL" ] lit
//	         | attr [ "NOT" ] "IN" list | attr "EXISTS"
//	         | series ":" func cmp number | series "EXISTS"
//	attr     = "attr(" path ")"
//	series   = name "(" [ option { "," option } ] ")"
//
// Words of the grammar are lower case, upper case or capitalised. AND binds
// tighter than OR.
package grammar

import "fmt"

// SyntaxError says where a text stops being one of the grammar.
type SyntaxError struct {
	Text   string
	Column int // from 1, in bytes
	Want   string
	Got    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("column %d of %q: expected %s, got %s", e.Column, e.Text, e.Want, e.Got)
}
