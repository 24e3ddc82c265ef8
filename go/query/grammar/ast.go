package grammar

import "time"

// Filter is a condition on a run, project or environment: And, Or, AttrCond or
// SeriesCond.
type Filter interface{ filter() }

// And holds when all of its parts do.
type And []Filter

// Or holds when one of its parts does.
type Or []Filter

// Op is how a condition compares.
type Op string

// The comparisons.
const (
	Equal        Op = "=="
	NotEqual     Op = "!="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	Less         Op = "<"
	LessEqual    Op = "<="
	Matches      Op = "~="
	Contains     Op = "CONTAINS"
	ContainsAny  Op = "CONTAINS ANY"
	ContainsAll  Op = "CONTAINS ALL"
	In           Op = "IN"
	NotIn        Op = "NOT IN"
	Exists       Op = "EXISTS"
)

// AttrCond is a condition on the attribute at Path.
type AttrCond struct {
	Path string
	Op   Op
	Lit  Literal // of the zero kind for Exists
}

// SeriesCond is a condition on a number that sums up series.
type SeriesCond struct {
	Series Series
	Func   string // empty for Exists
	Op     Op
	Number float64
}

func (And) filter()        {}
func (Or) filter()         {}
func (AttrCond) filter()   {}
func (SeriesCond) filter() {}

// LiteralKind is the kind of a literal.
type LiteralKind int

// The kinds of literals.
const (
	NoLiteral LiteralKind = iota
	BoolLiteral
	IntLiteral
	FloatLiteral
	StringLiteral
	TimeLiteral
	ListLiteral
)

// Literal is a value in a filter: the field of its Kind. An int is also in Float.
type Literal struct {
	Kind  LiteralKind
	Bool  bool
	Int   int64
	Float float64
	Str   string
	Time  time.Time
	List  []Literal
}

// Series selects series by name and, unless empty, by scale and labels.
type Series struct {
	Name         string
	Scale        string
	ValueKind    string
	ValueReducer string
	Labels       []LabelCond
	Aggregate    *Aggregate
	GroupBy      *GroupBy
}

// LabelCond is a condition on the label Key; Values has one text unless Op is In
// or NotIn.
type LabelCond struct {
	Key    string
	Op     Op
	Values []string
}

// Aggregate selects series that were aggregated over labels before.
type Aggregate struct {
	Keys    []string
	Reducer string
}

// GroupBy asks for the selected series to be reduced over all but these labels.
type GroupBy struct {
	Keys    []string
	Reducer string
}

// Summary is one number that sums up a series; a summary query has several.
type Summary struct {
	Series Series
	Funcs  []string
}

// Order sorts by an attribute or by a summary with one func.
type Order struct {
	Path       string // empty: by Summary
	Summary    Summary
	Descending bool
}
