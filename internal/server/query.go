package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// query is the parameters of a request. Those that no call has are left alone, as they always were.
type query url.Values

// queryOf refuses a query that cannot be read whole: half of one may be a call that nobody has made.
func queryOf(r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refusal{http.StatusBadRequest, fmt.Sprintf("Invalid format for the query; %v", err)}
	}
	return query(values), nil
}

// runType is what kind of pass is asked for. A dry_run that is there but is no boolean is refused, also an empty one:
// whoever writes it does not want to scale.
func runType(r *http.Request) (userlogic.RunType, error) {
	query, err := queryOf(r)
	if err != nil {
		return "", err
	}
	runType := userlogic.API
	for _, text := range query["dry_run"] {
		dry, err := strconv.ParseBool(text)
		if err != nil {
			return "", query.invalid("dry_run", text, "a valid boolean value")
		}
		if dry {
			runType = userlogic.APIDryRun
		}
	}
	return runType, nil
}

// positive is a parameter that is a number above zero.
func (q query) positive(name string, fallback int) (int, error) {
	if !q.has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(q.get(name))
	if err != nil || n < 1 {
		return 0, q.invalid(name, q.get(name), "a whole number above 0")
	}
	return n, nil
}

// oneOf is a parameter that is one of some words.
func (q query) oneOf(name, fallback string, words ...string) (string, error) {
	if !q.has(name) {
		return fallback, nil
	}
	if !slices.Contains(words, q.get(name)) {
		return "", q.invalid(name, q.get(name), "one of "+strings.Join(words, ", "))
	}
	return q.get(name), nil
}

func (q query) has(name string) bool { return url.Values(q).Has(name) }

func (q query) get(name string) string { return url.Values(q).Get(name) }

func (q query) invalid(name, text, wanted string) error {
	return refusal{http.StatusBadRequest, fmt.Sprintf("Invalid format for '%s' query parameter; '%s' is not %s", name, text, wanted)}
}
