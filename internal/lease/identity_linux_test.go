package lease

import (
	"os"
	"strings"
	"testing"
)

func identity(t *testing.T, namespace, lease string) *Identity {
	t.Helper()
	i, err := NewIdentity(namespace, lease)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i
}

// TestIdentityOfProcessesOfOneHost: two that are alive have two, and one that follows a dead one has that one's.
func TestIdentityOfProcessesOfOneHost(t *testing.T) {
	name := t.TempDir() // of no other test
	first := identity(t, "shop", name)
	if host, _ := os.Hostname(); !strings.HasPrefix(first.Holder, host+"_") {
		t.Errorf("%q does not begin with the host's name %q", first.Holder, host)
	}
	second := identity(t, "shop", name)
	if second.Holder == first.Holder {
		t.Errorf("both are %q", first.Holder)
	}
	if other := identity(t, "shop", name+"/other"); other.Holder != first.Holder {
		t.Errorf("for another lease it is %q instead of %q", other.Holder, first.Holder)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if again := identity(t, "shop", name); again.Holder != first.Holder {
		t.Errorf("started again it is %q instead of %q", again.Holder, first.Holder)
	}
	if third := identity(t, "shop", name); third.Holder == second.Holder || third.Holder == first.Holder {
		t.Errorf("the third is %q", third.Holder)
	}
}

func TestIdentityForPeople(t *testing.T) {
	l := &Lease{Holder: "web-1_abc"}
	for holder, want := range map[string]string{"web-2_def": "web-2", "web-1_def": "web-1_def", "web-2": "web-2", "": ""} {
		if got := l.nameOf(holder); got != want {
			t.Errorf("%q is called %q, want %q", holder, got, want)
		}
	}
}
