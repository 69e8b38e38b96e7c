package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a sentence about a token", "the token is not accepted: is the account there?", "the token is not accepted: is the account there?"},
		{"an error of the API server", `secrets "db" is forbidden: User "system:serviceaccount:shop:web" cannot get resource "secrets" in API group ""`,
			`secrets "db" is forbidden: User "system:serviceaccount:shop:web" cannot get resource "secrets" in API group ""`},
		{"an exit status", `running metric (python3, 2 arguments): exit status 3, standard error ends: "KeyError: 'cpu'"`,
			`running metric (python3, 2 arguments): exit status 3, standard error ends: "KeyError: 'cpu'"`},
		{"a setting", "apiConfig.authentication: \"x\" is not allowed: must be kubernetes or none", "apiConfig.authentication: \"x\" is not allowed: must be kubernetes or none"},
		{"an image with a digest", "nginx:1.29@sha256:0123abcd", "nginx:1.29@sha256:0123abcd"},
		{"an API path", "Get https://10.0.0.1:443/api/v1/pods: EOF", "Get https://10.0.0.1:443/api/v1/pods: EOF"},
		{"the start of a JSON reply", `"{\"targetReplicas\": 3}"`, `"{\"targetReplicas\": 3}"`},
		{"a file that is not there", "reading it: open /run/secrets/token: no such file or directory: mount it", "reading it: open /run/secrets/token: no such file or directory: mount it"},
		{"a file, quoted", `"/etc/api.key": Permission denied`, `"/etc/api.key": Permission denied`},
		{"an error about a name", "reading the token: open it first", "reading the token: open it first"},
		{"an error about a key", "key: unexpected end of JSON input", "key: unexpected end of JSON input"},
		{"a word of errors alone", "password: open", "password: ***"},
		{"a setting with a path in it", "/etc/x token=s3cr3t", "/etc/x token=***"},
		{"a path with a value", "/etc/token:s3cr3t", "/etc/token:***"},
		{"an annotation", "vault/token: s3cr3t", "vault/token: ***"},
		{"a switch", "automountServiceAccountToken: false", "automountServiceAccountToken: false"},

		{"a URL's password", "dial http://user:s3cr3t@host:80/x", "dial http://***@host:80/x"},
		{"a URL's token", "https://s3cr3t@host", "https://***@host"},
		{"a password with @", "http://user:s3@cr3t@host/", "http://***@host/"},
		{"a password with a slash", "http://user:s3/cr3t@host/", "http://***@host/"},
		{"a proxy", `proxyconnect tcp: "http://u:s3cr3t@proxy:3128"`, `proxyconnect tcp: "http://***@proxy:3128"`},
		{"a database", "connect root:s3cr3t@tcp(db:3306)/shop", "connect ***@tcp(db:3306)/shop"},
		{"a query", "GET http://host/a?key=s3cr3t&page=s3cr3t: 404", "GET http://host/a?key=***&page=*** 404"},
		{"a query without a host", "Max retries exceeded with url: /api?sig=s3cr3t (Caused by x)", "Max retries exceeded with url: /api?sig=*** (Caused by x)"},

		{"a variable", "TOKEN=s3cr3t curl x", "TOKEN=*** curl x"},
		{"a quoted variable", `export DB_PASSWORD='s3 cr3t'; x`, `export DB_PASSWORD='***'; x`},
		{"a short name", "PGPASS=s3cr3t DB_PASS=s3cr3t pass: s3cr3t", "PGPASS=*** DB_PASS=*** pass: ***"},
		{"a flag", "mysql --password=s3cr3t -h db", "mysql --password=*** -h db"},
		{"a flag with an argument", "helm --auth-token s3cr3t -n x", "helm --auth-token *** -n x"},
		{"a flag in a list", `["--password","s3cr3t","-x"]`, `["--password","***","-x"]`},
		{"a flag in a quoted list", `["--password" "s3cr3t" "-x"]`, `["--password" "***" "-x"]`},
		{"a user of curl", "curl -u admin:s3cr3t http://host", "curl -u *** http://host"},
		{"JSON", `{"api_key": "s3cr3t", "n": 1}`, `{"api_key": "***", "n": 1}`},
		{"JSON in a quoted text", strconv.Quote(`{"clientSecret":"s3\"cr3t"}`), `"{\"clientSecret\":\"***\"}"`},
		{"a dictionary of Python", "{'token': 's3cr3t'}", "{'token': '***'}"},
		{"YAML", "password: s3cr3t\nnext: 1", "password: ***\nnext: 1"},
		{"a map of Go", "map[token:s3cr3t x:1]", "map[token:*** x:1]"},

		{"a header", "Authorization: Basic czNjcjN0Cg== x\nHost: a", "Authorization: ***\nHost: a"},
		{"a header of its own", "X-Api-Key: s3cr3t", "X-Api-Key: ***"},
		{"a cookie", "Cookie: a=s3cr3t; b=s3cr3t", "Cookie: ***"},
		{"a header in a command", `curl -H 'Authorization: Bearer s3cr3t' x`, `curl -H 'Authorization: ***' x`},
		{"a header in a quoted text", strconv.Quote("> Authorization: Bearer s3cr3t\n> Host: a"), `"> Authorization: ***\n> Host: a"`},
		{"a token of a scheme", "sent Bearer s3cr3t-1 to it", "sent Bearer *** to it"},
		{"a scheme in a sentence", "Bearer authentication is needed", "Bearer authentication is needed"},

		{"a JWT", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "got ***"},
		{"a token of GitHub", "ghp_0123456789abcdefghij", "***"},
		{"a private key", "x -----BEGIN RSA PRIVATE KEY-----\nMIIs3cr3t\n-----END RSA PRIVATE KEY----- y", "x *** y"},
		{"half a private key", "x -----BEGIN PRIVATE KEY-----\nMIIs3cr3t", "x ***"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Mask(row.text)
			if got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if again := Mask(got); again != got {
				t.Errorf("masked again it is %s", again)
			}
		})
	}
}

func TestMaskerHidesKnownValues(t *testing.T) {
	const value = `hush "now" & go/1`
	m := New(value, "", "abc", "Bearer")
	for name, text := range map[string]string{
		"as it is":                value,
		"quoted":                  strconv.Quote(value),
		"quoted twice":            strconv.Quote(strconv.Quote(value)),
		"in a query":              "x hush+%22now%22+%26+go%2F1 y",
		"in a path":               "/hush%20%22now%22%20&%20go%2F1",
		"cut off":                 `the body "hush "now" &..."`,
		"cut off with a dot mark": `hush "now"…`,
	} {
		if got := m.Mask(text); strings.Contains(got, "now") || !strings.Contains(got, Hidden) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if got := m.Mask("abc is too short to be hidden"); got != "abc is too short to be hidden" {
		t.Errorf("got %s", got)
	}
}

func TestMaskerErrorKeepsTheError(t *testing.T) {
	plain := fmt.Errorf("reading: %w", fs.ErrNotExist)
	for _, err := range []error{plain, fmt.Errorf("hush-hush: %w", plain)} {
		masked := New("hush-hush").Error(err)
		if !errors.Is(masked, fs.ErrNotExist) || strings.Contains(masked.Error(), "hush") {
			t.Errorf("got %v", masked)
		}
	}
	if err := New().Error(nil); err != nil {
		t.Errorf("got %v", err)
	}
	if err := (*Masker)(nil).Error(plain); err != plain {
		t.Errorf("got %v", err)
	}
}

func TestURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://host/path": "http://host/path",
		"https://user:s3cr3t@host:8443/a/b?k=s3cr3t#s3cr3t": "https://host:8443/a/b",
		"http://user:s3cr3t@ho st/?key=s3cr3t":              "http://ho st/",
		"http://user:s3cr3t@host:port/":                     "http://***/",
		"http://user:s3cr3t":                                "http://***",
		"http://user:s3@cr3t@ho st/":                        "http://ho st/",
		"http://user:s3/cr3t@ho st/":                        "http://***",
		"http://user:s3?cr3t@host/":                         "http://***",
		"http://ho st/?mail=a@b.example&key=s3cr3t":         "http://***",
		"http://host/%zz?key=s3cr3t":                        "http://host/%zz",
		"ftp://user:s3cr3t@host/":                           "ftp://host/",
		"http:user:s3cr3t@host":                             "http:host",
		"user:s3cr3t@host/x":                                "host/x",
		"//user:s3cr3t@host/x":                              "//host/x",
		"host/x?key=s3cr3t":                                 "host/x",
		"http://[::1]:80/x":                                 "http://[::1]:80/x",
		"http://host:80/a\n?s3cr3t":                         "http://host:80/a",
		"http:///x?s3cr3t":                                  "http:///x",
		"http://host/a@b":                                   "http://***",
		"http://host/token=s3cr3t":                          "http://host/token=***",
		"":                                                  "",
	} {
		if got := URL(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestProgram(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "/bin/sh": "/bin/sh", "./run": "./run", "curl -H 'X: s3cr3t'": "curl ***", "TOKEN=s3cr3t curl": "***", " a b": "a ***",
	} {
		if got := Program(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestKnownValues(t *testing.T) {
	for _, row := range []struct {
		name   string
		known  []string
		hidden []string
		shown  []string
	}{
		{"a header", OfHeader("X-Api-Key", "hush-hush"), []string{"hush-hush"}, nil},
		{"a scheme", OfHeader("Authorization", "Bearer hush-hush"), []string{"hush-hush", "Bearer hush-hush"}, []string{"Bearer"}},
		{"Basic", OfHeader("Authorization", "Basic dXNlcjpodXNoLWh1c2g="), []string{"hush-hush", "dXNlcjpodXNoLWh1c2g="}, []string{"user"}},
		{"a cookie", OfHeader("Cookie", "a=hush-hush; b=hush-more"), []string{"hush-hush", "hush-more"}, nil},
		{"a public header", OfHeader("Content-Type", "application/json"), nil, []string{"application/json"}},
		{"a URL", OfURL("http://user:hush%2Dhush@host.example/path?key=hush-more&hush-alone"), []string{"hush-hush", "hush%2Dhush", "hush-more", "hush-alone", "dXNlcjpodXNoLWh1c2g="}, []string{"host.example", "user"}},
		{"a URL with a token", OfURL("http://hush-hush@host.example"), []string{"hush-hush"}, nil},
		{"a wrong URL", OfURL("http://user:hush-hush@ho st/?hush-more"), []string{"hush-hush", "hush-more"}, nil},
		{"a variable", OfVariable("DB_PASSWORD", "hush-hush"), []string{"hush-hush"}, nil},
		{"a variable with a URL", OfVariable("HTTP_PROXY", "http://u:hush-hush@proxy.example"), []string{"hush-hush"}, []string{"proxy.example"}},
		{"a variable with a file", OfVariable("TOKEN_FILE", "/run/token"), nil, []string{"/run/token"}},
		{"a variable with a path", OfVariable("TOKEN", "/run/token"), nil, []string{"/run/token"}},
		{"another variable", OfVariable("REGION", "europe-west"), nil, []string{"europe-west"}},
		{"headers", OfVariable("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hush-hush,x-key=hush-more"), []string{"hush-hush", "hush-more"}, nil},
		{"wrong headers", OfVariable("OTEL_EXPORTER_OTLP_HEADERS", "x-key: hush-hush,hush-more"), []string{"hush-hush", "hush-more"}, nil},
	} {
		m := New(row.known...)
		for _, value := range row.hidden {
			if got := m.Mask("it says " + value); strings.Contains(got, value) {
				t.Errorf("%s: got %q", row.name, got)
			}
		}
		for _, value := range row.shown {
			if got := m.Mask("it says " + value); !strings.Contains(got, value) {
				t.Errorf("%s: got %q, and %q is no secret", row.name, got, value)
			}
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, seed := range []string{"password=x", `{"token":"\"a"}`, "http://a:b@c/?d=e", "--token", "Bearer a", `\"'`, "é…", "-----BEGIN PRIVATE KEY-----"} {
		f.Add(seed, "known-value")
	}
	f.Fuzz(func(t *testing.T, text, known string) {
		m := New(known)
		got := m.Mask(text + known + text)
		if len(known) >= shortest && !strings.Contains(known, "*") && !strings.Contains(Hidden+text+Hidden, known) && strings.TrimSpace(known) == known && strings.Contains(got, known) {
			t.Errorf("%q still has %q", got, known)
		}
		if more := len(got) - 2*len(text) - len(known); more > 4*(2*len(text)+len(known)+1) {
			t.Errorf("it has grown by %d bytes", more)
		}
		_ = URL(text)
		_ = Program(text)
		_ = New(OfURL(text)...).Mask(known)
		_, _ = Object([]byte(text))
	})
}

func BenchmarkMask(b *testing.B) {
	text := strings.Repeat(`running metric (python3, 2 arguments): exit status 3, standard error ends: "KeyError: 'cpu' token" `, 40)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		_ = Mask(text)
	}
}

func BenchmarkObject(b *testing.B) {
	b.SetBytes(int64(len(pod)))
	for b.Loop() {
		_, _ = Object([]byte(pod))
	}
}
