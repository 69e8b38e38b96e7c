package secret

import (
	"net/url"
	"regexp"
	"strings"
)

// URL returns a URL without its user, its query and its fragment, also where it is none: what cannot be told from a password
// is left out.
func URL(text string) string {
	if address, err := url.Parse(text); err == nil && address.Host != "" && !strings.Contains(address.Path, "@") {
		return Mask((&url.URL{Scheme: address.Scheme, Host: host(address.Host), Path: address.Path}).String())
	}
	start := schemeOf(text)
	rest := text[len(start):]
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if strings.ContainsAny(rest[:at], "/?#") { // the @ may be part of a password, a path or a query
			return start + Hidden
		}
		rest = rest[at+1:]
	}
	if end := strings.IndexAny(rest, "?#&\r\n"); end >= 0 {
		rest = rest[:end]
	}
	name, path := rest, ""
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		name, path = rest[:slash], rest[slash:]
	}
	return start + host(name) + Mask(path)
}

// schemeOf is the beginning of a URL: "http://", "http:", or nothing.
func schemeOf(text string) string { return beginning.FindString(text) }

var (
	beginning = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*:/+|https?:|/+)`)
	port      = regexp.MustCompile(`^(\[[^\]]*\]|[^:]*):(\d{1,5})?$`)
)

// host leaves out what stands where a port should: it may be the password of a URL without a host.
func host(text string) string {
	if !strings.Contains(text, ":") || port.MatchString(text) || strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		return text
	}
	return Hidden
}

// Program returns the program that a command line runs: the path alone, also where the arguments were written behind it.
func Program(entrypoint string) string {
	words := strings.Fields(entrypoint)
	switch {
	case len(words) == 0:
		return entrypoint
	case strings.Contains(words[0], "="): // a variable of a shell
		return Hidden
	case len(words) > 1:
		return Mask(words[0]) + " " + Hidden
	}
	return Mask(entrypoint)
}
