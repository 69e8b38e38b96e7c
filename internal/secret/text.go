package secret

import (
	"regexp"
	"slices"
	"strings"
)

// Mask returns the text without what looks like a credential:
//
//	user:password@ in a URL or the address of a database
//	values of a URL's query
//	NAME=value, "name": "value" and --name value, where the name is that of a credential
//	Authorization and Cookie headers, and Bearer tokens
//	private keys, and tokens that are known by their form
//
// It takes time in proportion to the text. Masking a text again changes nothing.
func Mask(text string) string {
	if strings.Contains(text, "@") {
		text = maskUsers(text)
	}
	if strings.Contains(text, "=") && strings.ContainsAny(text, "?&") {
		text = query.ReplaceAllString(text, "${1}"+Hidden)
	}
	lower := strings.ToLower(text)
	secretive := containsAny(lower, credentialWords)
	if secretive {
		text = maskNamed(text)
	}
	if strings.Contains(text, "-") && (secretive || strings.Contains(text, "-u")) {
		text = maskFlags(text)
	}
	if strings.Contains(lower, "bearer") || strings.Contains(lower, "basic") {
		text = maskSchemes(text)
	}
	if containsAny(text, tokenMarks) {
		text = tokens.ReplaceAllString(text, Hidden)
	}
	return text
}

func containsAny(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// In a URL the user ends at the last @ before the path; a colon makes it a password, which may have a slash in it.
var (
	users = regexp.MustCompile(`(://)(?:[^\s/?#"'<>]*|[^\s/?#@"'<>]*:[^\s"'<>]*)@`)
	// A Docker image may look the same: name:tag@sha256:...
	database = regexp.MustCompile(`([A-Za-z0-9_.%+-]+):([^\s:@/"'<>,]+)@([A-Za-z0-9(\[]\w*)`)
)

func maskUsers(text string) string {
	text = users.ReplaceAllString(text, "${1}"+Hidden+"@")
	return database.ReplaceAllStringFunc(text, func(found string) string {
		host := found[strings.LastIndex(found, "@")+1:]
		if host == "sha256" || host == "sha512" {
			return found
		}
		return Hidden + "@" + host
	})
}

var query = regexp.MustCompile(`([?&][\w.\-\[\]%~]+=)[^\s&"'\\<>]+`)

const credential = `(?:pass(?:word|wd|phrase)|pwd|token|secret|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|auth[-_ ]?key|` +
	`account[-_ ]?key|credential|authorization|cookie)`

// credentialWords are parts of names, in lower case, at least one of which is in the name of a credential.
var credentialWords = []string{"pass", "pwd", "token", "secret", "key", "credential", "authorization", "cookie", "pw", "pat", "sig"}

// longestName is how much of a name is looked at.
const longestName = 64

// maskNamed hides the value behind each = or : that follows the name of a credential.
func maskNamed(text string) string {
	var masked strings.Builder
	for {
		at := strings.IndexAny(text, "=:")
		if at < 0 {
			break
		}
		next := at + 1
		if name := nameBefore(text[:at]); Name(name) {
			next = at + len(text[at:]) - len(strings.TrimLeft(text[at:], "=:> \t"))
			if v := valueAt(text[next:], isHeader(name)); !isPublic(v.text) && !isMessage(text[:at], text[at:], v) {
				masked.WriteString(text[:next] + v.opening + Hidden)
				text = text[next+len(v.opening)+len(v.text):]
				continue
			}
		}
		masked.WriteString(text[:next])
		text = text[next:]
	}
	if masked.Len() == 0 {
		return text
	}
	return masked.String() + text
}

// messageWords are those that the text of an error begins with.
var messageWords = []string{
	"no", "not", "open", "read", "stat", "is", "are", "has", "was", "must", "cannot", "can't", "could", "unexpected", "unknown", "invalid",
	"permission", "access", "failed", "failure", "connection", "context", "operation", "missing",
}

// isMessage reports whether what follows a colon is not the value of a name but the message of an error about it: after the path of
// a file ("/run/token: no such file"), or where it begins as errors do and goes on.
func isMessage(before, after string, v value) bool {
	if !strings.HasPrefix(after, ": ") || v.opening != "" {
		return false
	}
	word := before[strings.LastIndexAny(before, " \t\n\"'`(=")+1:]
	if strings.HasPrefix(word, "/") || strings.HasPrefix(word, "./") || strings.HasPrefix(word, "../") {
		return true
	}
	return slices.Contains(messageWords, v.text) && strings.Contains(after, v.text+" ")
}

// nameBefore is the name that a text ends with, in quotes or without.
func nameBefore(text string) string {
	text = strings.TrimRight(text[max(0, len(text)-longestName):], " \t:\"'`\\")
	start := len(text)
	for start > 0 && isNameByte(text[start-1]) {
		start--
	}
	name := text[start:]
	if strings.EqualFold(name, "key") && start > 0 && text[start-1] == ' ' { // an API key
		return text[strings.LastIndexAny(text[:start-1], " \t\"'(")+1:]
	}
	return name
}

func isNameByte(b byte) bool {
	return b == '_' || b == '-' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// maskFlags hides the argument of each flag that takes a credential: --password x, or "--password", "x".
func maskFlags(text string) string {
	var masked strings.Builder
	for {
		at := strings.IndexByte(text, '-')
		if at < 0 {
			break
		}
		end := at
		for end < len(text) && isNameByte(text[end]) {
			end++
		}
		name, value := text[at:end], end
		rest := strings.TrimLeft(text[end:], "\\\"', \t")
		value = len(text) - len(rest)
		opening := len(strings.TrimRight(text[end:value], "\\\"'")) // the quote of the argument belongs to it
		v := valueAt(text[end+opening:], false)
		starts := at == 0 || strings.IndexByte(" \t\r\n\"'=,[(", text[at-1]) >= 0
		if !starts || opening == 0 && value == end || !takesCredential(name, v.text) {
			masked.WriteString(text[:end])
			text = text[end:]
			continue
		}
		masked.WriteString(text[:end+opening] + v.opening + Hidden)
		text = text[end+opening+len(v.opening)+len(v.text):]
	}
	if masked.Len() == 0 {
		return text
	}
	return masked.String() + text
}

// takesCredential reports whether the value of a flag is a credential. curl's -u takes user:password.
func takesCredential(flag, value string) bool {
	switch {
	case flag == "-u" || flag == "--user" || flag == "--proxy-user":
		return strings.Contains(value, ":") && !isPublic(value)
	case strings.HasPrefix(value, "-"): // another flag
		return false
	}
	return Name(strings.TrimLeft(flag, "-")) && !isPublic(value)
}

// isPublic reports whether a value is no credential, or is hidden already.
func isPublic(value string) bool {
	if strings.HasPrefix(value, Hidden) {
		return true
	}
	switch strings.ToLower(strings.TrimRight(value, ",;)}]")) {
	case "", "true", "false", "null", "none", "nil", "<nil>":
		return true
	}
	return false
}

func isHeader(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "authorization") || strings.Contains(name, "cookie")
}

// value is what a name stands for: its opening quote, if any, and the text up to the closing one.
type value struct{ opening, text string }

// valueAt reads a value. One without quotes is a word, a header the rest of its line.
func valueAt(text string, header bool) value {
	slashes := len(text) - len(strings.TrimLeft(text, `\`))
	if slashes < len(text) && strings.ContainsRune("\"'`", rune(text[slashes])) {
		opening := text[:slashes+1]
		return value{opening, quotedText(text[slashes+1:], slashes, text[slashes])}
	}
	end := wordEnd(text, header)
	switch strings.ToLower(text[:end]) {
	case "bearer", "basic", "token", "digest", "apikey", "negotiate": // and what follows
		rest := strings.TrimLeft(text[end:], " \t")
		end = len(text) - len(rest) + wordEnd(rest, header)
	}
	return value{"", text[:end]}
}

// quotedText ends before the quote that has as many backslashes before it as the opening one.
func quotedText(text string, slashes int, quote byte) string {
	before := 0
	for i := range len(text) {
		switch {
		case text[i] == '\\':
			before++
			continue
		case text[i] == quote && before <= slashes:
			return text[:i-before]
		}
		before = 0
	}
	return text
}

// wordEnd is where an unquoted value ends; a line may end in a text that is quoted itself.
func wordEnd(text string, header bool) int {
	for i := range len(text) {
		switch text[i] {
		case '\n', '\r', '"', '\'', '`':
			return i
		case ' ', '\t':
			if !header {
				return i
			}
		case '\\':
			if i+1 < len(text) && strings.ContainsRune(`ntr"'`, rune(text[i+1])) {
				return i
			}
		}
	}
	return len(text)
}

var scheme = regexp.MustCompile(`(?i)\b(bearer|basic)([ \t]+|%20)([A-Za-z0-9._~+/=:-]{6,})`)

// maskSchemes hides what follows the name of a scheme, unless that is a word of a sentence.
func maskSchemes(text string) string {
	return scheme.ReplaceAllStringFunc(text, func(found string) string {
		parts := scheme.FindStringSubmatch(found)
		switch strings.ToLower(strings.TrimRight(parts[3], ".:")) {
		case "authentication", "authorization", "tokens", "credentials", "access", "realm=":
			return found
		}
		return parts[1] + parts[2] + Hidden
	})
}

var (
	tokens = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-[^-])*(?:-----END [A-Z ]*PRIVATE KEY-----)?|` +
		`\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)*|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)
	tokenMarks = []string{"-----BEGIN", "eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AKIA", "ASIA"}
)
