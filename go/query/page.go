package query

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strings"
)

// offsetPage cuts the page of an offset-style listing. A limit of nil is the
// most that a page may have.
func offsetPage[T any](list []T, limit, offset *int64, most int64) ([]T, error) {
	size, start := most, int64(0)
	if limit != nil {
		size = *limit
	}
	if offset != nil {
		start = *offset
	}
	if size < 0 || start < 0 {
		return nil, invalid("limit %d and offset %d must not be negative", size, start)
	}
	start = min(start, int64(len(list)))
	return list[start:min(start+min(size, most), int64(len(list)))], nil
}

// Limits of token-style listings.
const (
	defaultTokenLimit = 100
	maxTokenLimit     = 10_000
)

// tokenPage cuts the page of a token-style listing, whose entries are sorted by
// a key; the token is the key of the last entry of the page before. It is nil
// on the last page.
func tokenPage[T any](list []T, key func(T) string, limit *int64, token *string) ([]T, *string, error) {
	size, last, err := parseTokenPage(limit, token)
	if err != nil {
		return nil, nil, err
	}
	if token != nil {
		list = list[sort.Search(len(list), func(i int) bool { return key(list[i]) > last }):]
	}
	if len(list) <= size {
		return list, nil, nil
	}
	list = list[:size]
	next := base64.RawURLEncoding.EncodeToString([]byte(key(list[size-1])))
	return list, &next, nil
}

// parseTokenPage reads how many entries a page has at most, and the key of the last
// one before it, empty on the first page.
func parseTokenPage(limit *int64, token *string) (size int, last string, err error) {
	size = defaultTokenLimit
	if limit != nil {
		size = int(min(*limit, maxTokenLimit))
	}
	if size <= 0 {
		return 0, "", invalid("limit %d must be above 0", *limit)
	}
	if token != nil {
		decoded, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil {
			return 0, "", invalid("resume_token %q was not given by this server", *token)
		}
		last = string(decoded)
	}
	return size, last, nil
}

// stretch is a part of one of several columns that lie behind each other.
type stretch struct{ column, from, to int }

// pageable is what a page has to know of a column: its identity and how many entries it has.
type pageable struct {
	id      uint64
	entries int
}

// pointPage cuts a page of at most size entries out of columns: one may be cut
// and go on on the next page. The token names the column and the entry where
// the page begins; a column that appears before it meanwhile moves nothing.
func pointPage(list []pageable, size *int64, most int64, token *string) ([]stretch, *string, error) {
	left := int(most)
	if size != nil {
		if *size <= 0 {
			return nil, nil, invalid("page size %d must be above 0", *size)
		}
		left = int(min(*size, most))
	}
	column, from := 0, 0
	if token != nil {
		var id uint64
		_, err := fmt.Sscanf(*token, "%x.%d", &id, &from)
		column = slices.IndexFunc(list, func(p pageable) bool { return p.id == id })
		if err != nil || strings.Count(*token, ".") != 1 || column < 0 || from < 0 || from > list[column].entries {
			return nil, nil, invalid("resume_token %q was not given for this request", *token)
		}
	}
	var page []stretch
	for ; column < len(list); column, from = column+1, 0 {
		p := list[column]
		to := min(p.entries, from+left)
		if left > 0 || p.entries == from {
			page = append(page, stretch{column, from, to})
			left -= to - from
		}
		if to < p.entries {
			next := fmt.Sprintf("%x.%d", p.id, to)
			return page, &next, nil
		}
	}
	return page, nil, nil
}

// id tells a column from the others of an answer, also on a later page.
func (c column) id() uint64 {
	h := fnv.New64a()
	view := ""
	if c.reduction != nil {
		view = "|" + c.reduction.view
	}
	_, _ = fmt.Fprintf(h, "%q %q %q%s", c.run, c.env, c.key.Key(), view) // a hash takes everything
	return h.Sum64()
}

// pagedAxis returns the axis of a bucketed answer and the curves on it. The
// token of later pages carries it, because series may grow meanwhile: what is
// beyond it is left for the next request.
func pagedAxis(curves []curve, buckets, across *int64, token *string) (axis, []curve, *string, error) {
	if token == nil {
		a, err := newAxis(curves, buckets, across)
		return a, curves, nil, err
	}
	place, onAxis, found := strings.Cut(*token, "@")
	var first, last uint64
	var count int
	_, err := fmt.Sscanf(onAxis, "%d.%d.%d", &first, &last, &count)
	if !found || err != nil || last < first || count < 1 || count > maxBuckets {
		return axis{}, nil, nil, invalid("resume_token %q was not given for this request", *token)
	}
	var kept []curve
	for _, c := range curves {
		if c, some := c.cut(first, last); some {
			kept = append(kept, c)
		}
	}
	return spanned(first, last, count), kept, &place, nil
}

// token adds the axis to the token of the next page, if there is one.
func (a axis) token(place *string) *string {
	if place == nil {
		return nil
	}
	text := fmt.Sprintf("%s@%d.%d.%d", *place, a.first, a.last, a.count)
	return &text
}
