package secret

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
)

// Name reports whether a value of that name is a credential: PASSWORD, apiKey, X-Auth-Token.
func Name(name string) bool {
	return containsAny(strings.ToLower(name), nameWords) && credentialName.MatchString(name)
}

var nameWords = append([]string{"auth", "bearer"}, credentialWords...)

var credentialName = regexp.MustCompile(`(?i)` + credential + `|pass$|(?:^|[_.-])(?:pw|pat|sig)$|^(?:auth|bearer)$`)

// isReference tells the name of what names a credential from that of the credential: secretName, tokenFile, tokenExpirationSeconds.
var isReference = regexp.MustCompile(`(?i)(?:name|names|ref|refs|namespace|file|path|seconds|url|key[-_]?ref|type|version)$`)

// publicHeaders are the names, or their beginnings, of headers that hold no credential.
var publicHeaders = regexp.MustCompile(`(?i)^(?:accept.*|content-.*|user-agent|host|cache-control|connection|origin|x-forwarded-.*|x-scope-orgid)$`)

// OfHeader returns what is secret about a header of a request: its value, and what that consists of.
func OfHeader(name, value string) []string {
	if publicHeaders.MatchString(name) {
		return nil
	}
	all := append([]string{value}, OfURL(value)...)
	if word, rest, found := strings.Cut(strings.TrimSpace(value), " "); found && !strings.ContainsAny(word, "=;,") {
		all = append(all, strings.TrimSpace(rest))
		all = append(all, decoded(rest)...)
	}
	for pair := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		if _, one, found := strings.Cut(pair, "="); found {
			all = append(all, strings.Trim(one, `"`))
		}
	}
	return all
}

// decoded is the password of Basic authentication.
func decoded(text string) []string {
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil
	}
	_, password, _ := strings.Cut(string(plain), ":")
	return []string{string(plain), password}
}

// OfURL returns what is secret about a URL, which need not be a valid one: its user and its password, as they are written and
// as they are meant, and the values of its query and its fragment.
func OfURL(text string) (all []string) {
	start := schemeOf(text)
	rest := text[len(start):]
	if start == "" || start[0] == '/' {
		return nil
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, password, both := strings.Cut(rest[:at], ":")
		all = append(all, unescaped(password)...)
		if !both {
			all = append(all, unescaped(user)...) // a token
		}
		plain, err := url.PathUnescape(rest[:at])
		if both && err == nil {
			all = append(all, base64.StdEncoding.EncodeToString([]byte(plain)))
		}
	}
	if at := strings.IndexAny(rest, "?#"); at >= 0 {
		for pair := range strings.FieldsFuncSeq(rest[at+1:], func(r rune) bool { return r == '&' || r == ';' || r == '?' || r == '#' }) {
			name, value, found := strings.Cut(pair, "=")
			if !found {
				value = name // a key alone
			}
			all = append(all, unescaped(value)...)
		}
	}
	return all
}

func unescaped(text string) []string {
	all := []string{text}
	if plain, err := url.QueryUnescape(text); err == nil && plain != text {
		all = append(all, plain)
	}
	if plain, err := url.PathUnescape(text); err == nil && plain != text {
		all = append(all, plain)
	}
	return all
}

// OfVariable returns what is secret about an environment variable: all of it where its name is that of a credential, and
// the password of a URL.
func OfVariable(name, value string) []string {
	switch {
	case strings.HasSuffix(strings.ToUpper(name), "_HEADERS"): // name=value,name=value
		return ofHeaders(value)
	case Name(name) && !isReference.MatchString(name) && !strings.HasPrefix(value, "/"):
		return append([]string{value}, OfURL(value)...)
	case strings.Contains(value, "://") && strings.Contains(value, "@"):
		address, _, _ := strings.Cut(value, "?")
		return OfURL(address)
	}
	return nil
}

func ofHeaders(text string) (all []string) {
	for pair := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(pair, "=")
		if !found {
			if name, value, found = strings.Cut(pair, ":"); !found {
				all = append(all, pair)
				continue
			}
		}
		if plain, err := url.PathUnescape(value); err == nil {
			all = append(all, OfHeader(strings.TrimSpace(name), plain)...)
		}
		all = append(all, OfHeader(strings.TrimSpace(name), value)...)
	}
	return all
}
