// Package rightstest compares the calls that a program makes to a server of the Kubernetes API with the table of rights.
package rightstest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/rights"
)

// Calls are the calls that a server has got.
type Calls struct {
	mutex sync.Mutex
	made  map[call]bool
}

// call is a request, as the API server sees it when it looks for a right.
type call struct{ verb, group, resource, name string }

func (c call) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %q %s %s", c.verb, c.group, c.resource, c.name))
}

// Record notes the calls that a handler gets.
func (c *Calls) Record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if one, ok := callOf(r); ok {
			c.mutex.Lock()
			if c.made == nil {
				c.made = map[call]bool{}
			}
			c.made[one] = true
			c.mutex.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// Has tells whether a call has been made that the table's is about.
func (c *Calls) Has(wanted rights.Call, about rights.About) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for one := range c.made {
		if one.is(wanted, about) {
			return true
		}
	}
	return false
}

// Check fails for each call that has been made and is not in the table.
func (c *Calls) Check(t *testing.T, table []rights.Call, about rights.About) {
	t.Helper()
	for _, one := range c.Missing(table, about) {
		t.Errorf("%s is called, but the table of internal/rights does not have it: add it there, and to the roles that its tests compare", one)
	}
}

// Missing are the calls that have been made and are not in the table.
func (c *Calls) Missing(table []rights.Call, about rights.About) (missing []string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for one := range c.made {
		is := func(granted rights.Call) bool { return !granted.Unused && one.is(granted, about) }
		if !slices.ContainsFunc(table, is) && !slices.ContainsFunc(rights.Everybody, is) {
			missing = append(missing, one.String())
		}
	}
	slices.Sort(missing)
	return missing
}

// is tells whether a right for the call of the table allows this one.
func (c call) is(granted rights.Call, about rights.About) bool {
	of, name := granted.Of(about), granted.Name(about)
	return c.verb == granted.Verb && c.group == of.Group && (c.resource == of.Resource || of.Resource == "*") && (name == "" || c.name == name)
}

// callOf reads a request. It is false for discovery, which every account may do.
func callOf(r *http.Request) (call, bool) {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var one call
	switch {
	case len(path) > 2 && path[0] == "api":
		path = path[2:]
	case len(path) > 3 && path[0] == "apis":
		one.group, path = path[1], path[3:]
	default:
		return one, false
	}
	if len(path) > 2 && path[0] == "namespaces" {
		path = path[2:]
	}
	one.resource = path[0]
	if len(path) > 1 {
		one.name = path[1]
	}
	if len(path) > 2 {
		one.resource += "/" + path[2]
	}
	one.verb = verbOf(r, one.name != "")
	return one, true
}

func verbOf(r *http.Request, named bool) string {
	verbs := map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}
	switch verb := verbs[r.Method]; {
	case verb == "delete" && !named:
		return "deletecollection"
	case verb != "":
		return verb
	case r.URL.Query().Has("watch"):
		return "watch"
	case named:
		return "get"
	}
	return "list"
}
