package cluster

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestCacheKeyChangesWithWhatIsBuilt(t *testing.T) {
	pinned := fstest.MapFS{"go.mod": {Data: []byte("v1.37.1")}, "adapter/main.go": {Data: []byte("package main")}}
	bumped := fstest.MapFS{"go.mod": {Data: []byte("v1.37.2")}, "adapter/main.go": {Data: []byte("package main")}}
	edited := fstest.MapFS{"go.mod": {Data: []byte("v1.37.1")}, "adapter/main.go": {Data: []byte("package other")}}
	key := func(source fstest.MapFS) string {
		key, err := cacheKey(source)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	if same := maps.Clone(pinned); key(pinned) != key(same) {
		t.Error("the same sources have two keys")
	}
	if key(pinned) == key(bumped) || key(pinned) == key(edited) {
		t.Error("different sources have the same key")
	}
}

func TestAssetsAreUsedForWhatTheyHave(t *testing.T) {
	b := &builder{dir: t.TempDir(), assets: t.TempDir()}
	etcd := filepath.Join(b.assets, "etcd")
	if err := os.WriteFile(etcd, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := b.path("etcd"); got != etcd {
		t.Errorf("etcd is %s, want %s", got, etcd)
	}
	if got, want := b.path("kwok"), filepath.Join(b.dir, "kwok"); got != want {
		t.Errorf("kwok is %s, want %s", got, want)
	}
	if missing := strings.Join(b.missing(), " "); strings.Contains(missing, "etcd") || !strings.Contains(missing, "kwok") {
		t.Errorf("missing are %s, want all but etcd", missing)
	}
}

func TestOneProcessBuildsAtATime(t *testing.T) {
	b := &builder{dir: t.TempDir(), progress: io.Discard}
	unlock, err := b.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := b.lock(short); err == nil {
		t.Fatal("the lock was taken twice")
	}
	unlock()
	unlock, err = b.lock(t.Context())
	if err != nil {
		t.Fatalf("locking after it was unlocked: %v", err)
	}
	unlock()
}

func TestVersionFlags(t *testing.T) {
	flags := versionFlags("v1.37.2")
	for _, want := range []string{
		"-X k8s.io/component-base/version.gitVersion=v1.37.2",
		"-X k8s.io/component-base/version.gitMajor=1",
		"-X k8s.io/component-base/version.gitMinor=37",
		"-X k8s.io/client-go/pkg/version.gitVersion=v1.37.2",
	} {
		if !strings.Contains(flags, want) {
			t.Errorf("flags lack %q: %s", want, flags)
		}
	}
}
