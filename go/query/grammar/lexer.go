package grammar

import (
	"strings"
)

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenSign             // one of the signs below
	tokenString           // text is unescaped
	tokenBare             // name, path, number, time or word
)

type token struct {
	kind   tokenKind
	text   string
	column int // from 0
}

func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenString:
		return "a string"
	}
	return "`" + t.text + "`"
}

// reserved are the characters that end a bare token.
const reserved = " \t\r\n()[],=<>!~\"|"

var signs = []string{"==", "!=", "~=", ">=", "<=", "=", ">", "<", "(", ")", "[", "]", ",", "|", ":"}

// lex cuts a text into tokens, the last of which is the end.
func lex(text string) ([]token, error) {
	var tokens []token
	for i := 0; ; {
		for i < len(text) && strings.IndexByte(" \t\r\n", text[i]) >= 0 {
			i++
		}
		if i == len(text) {
			return append(tokens, token{kind: tokenEnd, column: i}), nil
		}
		next, n, err := lexOne(text, i)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, next)
		i += n
	}
}

func lexOne(text string, at int) (token, int, error) {
	if text[at] == '"' {
		return lexString(text, at)
	}
	for _, sign := range signs {
		if strings.HasPrefix(text[at:], sign) {
			return token{tokenSign, sign, at}, len(sign), nil
		}
	}
	n := strings.IndexAny(text[at:], reserved)
	if n < 0 {
		n = len(text) - at
	}
	if n == 0 {
		return token{}, 0, &SyntaxError{text, at + 1, "a name, a value or a sign", "`" + text[at:at+1] + "`"}
	}
	return token{tokenBare, text[at : at+n], at}, n, nil
}

var escapes = map[byte]byte{'\\': '\\', '"': '"', 'n': '\n', 'r': '\r', 't': '\t'}

func lexString(text string, at int) (token, int, error) {
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			return token{tokenString, b.String(), at}, i + 1 - at, nil
		case '\\':
			if i++; i == len(text) {
				break
			}
			plain, known := escapes[text[i]]
			if !known {
				return token{}, 0, &SyntaxError{text, i + 1, `one of \ " n r t after a backslash`, "`" + text[i:i+1] + "`"}
			}
			b.WriteByte(plain)
		default:
			b.WriteByte(c)
		}
	}
	return token{}, 0, &SyntaxError{text, len(text) + 1, `a closing "`, "the end"}
}
