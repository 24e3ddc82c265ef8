package grammar

// Grouping is what a request groups by: the value of the attribute at Path, or
// whether a condition holds.
type Grouping struct {
	Path string // empty: by Cond
	Cond Filter
}

// ParseGrouping reads a grouping: attr(path), or a condition.
func ParseGrouping(text string) (Grouping, error) {
	// An attribute alone is written as in an ordering, whose direction it lacks.
	if order, err := ParseOrder(text + " ASC"); err == nil && order.Path != "" {
		return Grouping{Path: order.Path}, nil
	}
	cond, err := ParseFilter(text)
	return Grouping{Cond: cond}, err
}
