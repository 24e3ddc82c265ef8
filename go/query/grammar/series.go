package grammar

import "slices"

func (p *parser) series() Series {
	s := Series{Name: p.bare("a metric name")}
	p.needSign("(")
	if p.sign(")") {
		return s
	}
	for p.err == nil {
		p.option(&s)
		if !p.sign(",") {
			break
		}
	}
	p.needSign(")")
	return s
}

func (p *parser) option(s *Series) {
	switch {
	case p.word("scale"):
		p.needSign("=")
		s.Scale = p.str()
	case p.word("value_kind"):
		p.needSign("=")
		s.ValueKind = p.oneOf("float", "histogram", "density_histogram", "scatter", "scatter_3d")
	case p.word("value_reducer"):
		p.needSign("=")
		s.ValueReducer = p.valueReducer()
	case p.word("filter"):
		p.needSign("=")
		s.Labels = p.labels()
	case p.word("aggregate"):
		p.needSign("=")
		s.Aggregate = p.aggregate()
	default:
		p.fail("one of scale, value_kind, value_reducer, filter, aggregate")
	}
}

func (p *parser) oneOf(words ...string) string {
	for _, word := range words {
		if p.word(word) {
			return word
		}
	}
	want := "one of"
	for _, word := range words {
		want += " " + word
	}
	p.fail(want)
	return ""
}

func (p *parser) valueReducer() string {
	word := p.oneOf("min", "max", "avg", "std", "quantile", "fraction_above")
	if word == "quantile" || word == "fraction_above" {
		p.needSign("(")
		number := p.peek().text
		p.number()
		p.needSign(")")
		return word + "(" + number + ")"
	}
	return word
}

func (p *parser) labels() []LabelCond {
	var conds []LabelCond
	p.needSign("(")
	for p.err == nil {
		conds = append(conds, p.label())
		if !p.sign(",") {
			break
		}
	}
	p.needSign(")")
	return conds
}

func (p *parser) label() LabelCond {
	c := LabelCond{Key: p.bare("a label key")}
	switch {
	case p.sign("="), p.sign("=="):
		c.Op, c.Values = Equal, []string{p.str()}
	case p.sign("!="):
		c.Op, c.Values = NotEqual, []string{p.str()}
	case p.sign("~="):
		c.Op, c.Values = Matches, []string{p.str()}
	case p.word("contains"):
		c.Op, c.Values = Contains, []string{p.str()}
	case p.word("in"):
		c.Op, c.Values = In, p.strings()
	case p.word("not"):
		p.needWord("in")
		c.Op, c.Values = NotIn, p.strings()
	default:
		p.fail("one of = != ~= CONTAINS IN NOT IN")
	}
	return c
}

func (p *parser) strings() []string {
	list := []string{}
	p.needSign("[")
	if p.sign("]") {
		return list
	}
	for p.err == nil {
		list = append(list, p.str())
		if !p.sign(",") {
			break
		}
	}
	p.needSign("]")
	return list
}

func (p *parser) aggregate() *Aggregate {
	a := &Aggregate{}
	p.needSign("(")
	p.needWord("keys")
	p.needSign("=")
	a.Keys = p.names()
	if p.sign(",") {
		p.needWord("reducer")
		p.needSign("=")
		a.Reducer = p.oneOf("min", "max", "avg", "std")
	}
	p.needSign(")")
	return a
}

// names is a list of bare names or, as clients write keys with spaces, strings.
func (p *parser) names() []string {
	list := []string{}
	p.needSign("[")
	if p.sign("]") {
		return list
	}
	for p.err == nil {
		if p.peek().kind == tokenString {
			list = append(list, p.str())
		} else {
			list = append(list, p.bare("a label key"))
		}
		if !p.sign(",") {
			break
		}
	}
	p.needSign("]")
	return slices.Clip(list)
}

func (p *parser) groupBy() *GroupBy {
	g := &GroupBy{}
	p.needWord("group_by")
	p.needSign("(")
	p.needWord("keys")
	p.needSign("=")
	g.Keys = p.names()
	p.needSign(",")
	p.needWord("reducer")
	p.needSign("=")
	g.Reducer = p.oneOf("min", "max", "avg", "std")
	p.needSign(")")
	return g
}
