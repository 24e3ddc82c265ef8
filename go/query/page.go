package query

import (
	"encoding/base64"
	"fmt"
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
	size := int64(defaultTokenLimit)
	if limit != nil {
		size = min(*limit, maxTokenLimit)
	}
	if size <= 0 {
		return nil, nil, invalid("limit %d must be above 0", size)
	}
	if token != nil {
		last, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil {
			return nil, nil, invalid("resume_token %q was not given by this server", *token)
		}
		for len(list) > 0 && key(list[0]) <= string(last) {
			list = list[1:]
		}
	}
	if int64(len(list)) <= size {
		return list, nil, nil
	}
	list = list[:size]
	next := base64.RawURLEncoding.EncodeToString([]byte(key(list[size-1])))
	return list, &next, nil
}

// stretch is a part of one of several columns that lie behind each other.
type stretch struct{ column, from, to int }

// pointPage cuts a page of at most size entries out of columns of the given
// lengths: a column may be cut and go on on the next page. The token names the
// column and the entry where the page begins.
func pointPage(lengths []int, size *int64, most int64, token *string) ([]stretch, *string, error) {
	left := int(most)
	if size != nil {
		if *size <= 0 {
			return nil, nil, invalid("page size %d must be above 0", *size)
		}
		left = int(min(*size, most))
	}
	column, from := 0, 0
	if token != nil {
		if _, err := fmt.Sscanf(*token, "%d.%d", &column, &from); err != nil || strings.Count(*token, ".") != 1 ||
			column < 0 || column >= len(lengths) || from < 0 || from > lengths[column] {
			return nil, nil, invalid("resume_token %q was not given for this request", *token)
		}
	}
	var page []stretch
	for ; column < len(lengths); column, from = column+1, 0 {
		if left == 0 && lengths[column] > from {
			next := fmt.Sprintf("%d.%d", column, from)
			return page, &next, nil
		}
		to := min(lengths[column], from+left)
		page = append(page, stretch{column, from, to})
		left -= to - from
		if to < lengths[column] {
			next := fmt.Sprintf("%d.%d", column, to)
			return page, &next, nil
		}
	}
	return page, nil, nil
}
