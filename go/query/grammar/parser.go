package grammar

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds how deep parentheses may nest.
const maxDepth = 100

// parser walks the tokens of one text. After the first error all its methods do
// nothing.
type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
	err    error
}

func parse[T any](text string, rule func(p *parser) T) (T, error) {
	tokens, err := lex(text)
	p := &parser{text: text, tokens: tokens, err: err}
	var result T
	if err == nil {
		result = rule(p)
		if p.err == nil && p.peek().kind != tokenEnd {
			p.fail("the end")
		}
	}
	if p.err != nil {
		var none T
		return none, p.err
	}
	return result, nil
}

// ParseFilter parses a filter.
func ParseFilter(text string) (Filter, error) { return parse(text, (*parser).filter) }

// ParseOrder parses an ordering.
func ParseOrder(text string) (Order, error) { return parse(text, (*parser).order) }

// ParseSeries parses a series query.
func ParseSeries(text string) (Series, error) {
	return parse(text, func(p *parser) Series {
		s := p.series()
		if p.sign("|") {
			s.GroupBy = p.groupBy()
		}
		return s
	})
}

// ParseSummary parses a summary query; a summary column has one func.
func ParseSummary(text string) (Summary, error) {
	return parse(text, func(p *parser) Summary {
		s := Summary{Series: p.series()}
		p.needSign(":")
		for {
			s.Funcs = append(s.Funcs, p.function())
			if !p.sign(",") {
				return s
			}
		}
	})
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) ahead(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.peek()
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) fail(want string) {
	if p.err == nil {
		t := p.peek()
		p.err = &SyntaxError{p.text, t.column + 1, want, t.String()}
	}
}

func (p *parser) sign(text string) bool {
	if t := p.peek(); p.err == nil && t.kind == tokenSign && t.text == text {
		p.at++
		return true
	}
	return false
}

func (p *parser) needSign(text string) {
	if !p.sign(text) {
		p.fail("`" + text + "`")
	}
}

// isWord tells a word of the grammar, in one of its three casings.
func isWord(t token, word string) bool {
	return t.kind == tokenBare &&
		(t.text == word || t.text == strings.ToUpper(word) || t.text == strings.ToUpper(word[:1])+word[1:])
}

func (p *parser) word(word string) bool {
	if p.err == nil && isWord(p.peek(), word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) needWord(word string) {
	if !p.word(word) {
		p.fail("`" + word + "`")
	}
}

var keywords = []string{
	"and", "or", "exists", "in", "not", "contains", "any", "all", "asc", "desc", "scale", "filter", "aggregate",
	"keys", "view", "group_by", "reducer", "value_kind", "value_reducer", "float", "histogram", "density_histogram",
	"scatter", "scatter_3d",
}

// keywordForms are the keywords in their three casings.
var keywordForms = func() map[string]bool {
	forms := make(map[string]bool)
	for _, word := range keywords {
		forms[word], forms[strings.ToUpper(word)], forms[strings.ToUpper(word[:1])+word[1:]] = true, true, true
	}
	return forms
}()

func (p *parser) bare(what string) string {
	t := p.peek()
	isKeyword := keywordForms[t.text]
	if t.kind != tokenBare || isKeyword {
		p.fail(what)
	}
	if p.err != nil {
		return ""
	}
	return p.next().text
}

func (p *parser) str() string {
	if p.peek().kind != tokenString {
		p.fail("a string in double quotes")
	}
	if p.err != nil {
		return ""
	}
	return p.next().text
}

func (p *parser) filter() Filter {
	if p.depth++; p.depth > maxDepth {
		p.fail("fewer parentheses")
	}
	defer func() { p.depth-- }()
	parts := Or{p.and()}
	for p.word("or") {
		parts = append(parts, p.and())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return parts
}

func (p *parser) and() Filter {
	parts := And{p.prim()}
	for p.word("and") {
		parts = append(parts, p.prim())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return parts
}

func (p *parser) prim() Filter {
	if p.err != nil {
		return And{}
	}
	if p.sign("(") {
		f := p.filter()
		p.needSign(")")
		return f
	}
	if p.atAttr() {
		return p.attrCond()
	}
	return p.seriesCond()
}

func (p *parser) atAttr() bool {
	return p.peek().text == "attr" && p.peek().kind == tokenBare && p.ahead(1).text == "(" && p.ahead(2).kind == tokenBare &&
		p.ahead(3).text == ")"
}

func (p *parser) attr() string {
	p.next()
	p.needSign("(")
	path := p.next().text
	p.needSign(")")
	return path
}

func (p *parser) comparison() Op {
	t := p.peek()
	ops := []Op{Equal, NotEqual, Greater, GreaterEqual, Less, LessEqual}
	if t.kind != tokenSign || !slices.Contains(ops, Op(t.text)) {
		p.fail("one of == != > >= < <=")
		return ""
	}
	return Op(p.next().text)
}

func (p *parser) attrCond() Filter {
	c := AttrCond{Path: p.attr()}
	switch {
	case p.word("exists"):
		c.Op = Exists
	case p.sign("~="):
		c.Op, c.Lit = Matches, Literal{Kind: StringLiteral, Str: p.str()}
	case p.word("contains"):
		switch {
		case p.word("any"):
			c.Op, c.Lit = ContainsAny, p.list()
		case p.word("all"):
			c.Op, c.Lit = ContainsAll, p.list()
		default:
			c.Op, c.Lit = Contains, Literal{Kind: StringLiteral, Str: p.str()}
		}
	case p.word("in"):
		c.Op, c.Lit = In, p.list()
	case p.word("not"):
		p.needWord("in")
		c.Op, c.Lit = NotIn, p.list()
	default:
		c.Op = p.comparison()
		c.Lit = p.literal()
	}
	return c
}

func (p *parser) seriesCond() Filter {
	c := SeriesCond{Series: p.series()}
	if p.word("exists") {
		c.Op = Exists
		return c
	}
	p.needSign(":")
	c.Func = p.function()
	c.Op = p.comparison()
	c.Number = p.number()
	return c
}

func (p *parser) list() Literal {
	l := Literal{Kind: ListLiteral}
	if p.depth++; p.depth > maxDepth {
		p.fail("fewer brackets")
	}
	defer func() { p.depth-- }()
	p.needSign("[")
	if p.sign("]") {
		return l
	}
	for p.err == nil {
		l.List = append(l.List, p.literal())
		if !p.sign(",") {
			break
		}
	}
	p.needSign("]")
	return l
}

const timeLayout = "2006-01-02T15:04:05.999999999"

func (p *parser) literal() Literal {
	t := p.peek()
	switch {
	case p.err != nil:
	case t.kind == tokenString:
		return Literal{Kind: StringLiteral, Str: p.next().text}
	case t.kind == tokenSign && t.text == "[":
		return p.list()
	case t.kind == tokenBare:
		if l, ok := bareLiteral(t.text); ok {
			p.next()
			return l
		}
		p.fail("True, False, a number, a string, a time or a list")
	default:
		p.fail("a value")
	}
	return Literal{}
}

func bareLiteral(text string) (Literal, bool) {
	if text == "True" || text == "False" {
		return Literal{Kind: BoolLiteral, Bool: text == "True"}, true
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Literal{Kind: IntLiteral, Int: i, Float: float64(i)}, true
	}
	if f, ok := parseFloat(text); ok {
		return Literal{Kind: FloatLiteral, Float: f}, true
	}
	if at, err := time.ParseInLocation(timeLayout, strings.TrimSuffix(text, "Z"), time.UTC); err == nil {
		return Literal{Kind: TimeLiteral, Time: at}, true
	}
	return Literal{}, false
}

// parseFloat takes decimals, with or without exponent, nan and inf; not Go's
// hexadecimals and underscores.
func parseFloat(text string) (float64, bool) {
	switch strings.TrimLeft(text, "+-") {
	case "nan":
		return math.NaN(), true
	case "inf":
		return math.Inf(map[bool]int{true: -1, false: 1}[strings.HasPrefix(text, "-")]), true
	}
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

func (p *parser) number() float64 {
	if t := p.peek(); t.kind == tokenBare {
		if f, ok := parseFloat(t.text); ok {
			p.next()
			return f
		}
	}
	p.fail("a number")
	return 0
}

func (p *parser) order() Order {
	var o Order
	if p.atAttr() {
		o.Path = p.attr()
	} else {
		o.Summary.Series = p.series()
		p.needSign(":")
		o.Summary.Funcs = []string{p.function()}
	}
	if p.word("desc") {
		o.Descending = true
	} else if !p.word("asc") {
		p.fail("ASC or DESC")
	}
	return o
}

// functions are the numbers that sum up a series.
var functions = []string{
	"first", "last", "min", "max", "sum", "avg", "count", "std",
	"first_count", "first_min", "first_max", "first_avg", "first_std",
	"last_count", "last_sum", "last_min", "last_max", "last_avg", "last_std",
}

func (p *parser) function() string {
	if t := p.peek(); t.kind != tokenBare || !slices.Contains(functions, t.text) {
		p.fail("one of " + strings.Join(functions, " "))
	}
	if p.err != nil {
		return ""
	}
	return p.next().text
}
