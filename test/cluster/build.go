package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const modulePath = "github.com/custom-pod-autoscaler/autoscaler/v3/test"

// componentsPath is that of the module of the programs, which no other imports.
const componentsPath = "github.com/custom-pod-autoscaler/autoscaler/test/cluster/components"

// programs are the paths of the built programs, and of kwokConfig, by name.
type programs map[string]string

// Build builds what is not built yet, so that a later start need not.
func Build(ctx context.Context, progress io.Writer) error {
	_, err := findPrograms(ctx, progress)
	return err
}

// findPrograms finds every program: in $KUBEBUILDER_ASSETS if it is there, else in the user's
// cache directory, else by building it into that directory.
func findPrograms(ctx context.Context, progress io.Writer) (programs, error) {
	b, err := newBuilder(ctx, progress)
	if err != nil {
		return nil, fmt.Errorf("preparing the build of the test cluster: %w", err)
	}
	if len(b.missing()) > 0 {
		if err := b.buildMissing(ctx); err != nil {
			return nil, err
		}
	}
	found := programs{}
	for _, name := range artifacts() {
		found[name] = b.path(name)
	}
	return found, nil
}

// artifacts are all names of programs, in the order in which they are built.
func artifacts() []string {
	var names []string
	for _, part := range components {
		names = append(names, part.name)
	}
	return append(names, kwokConfig)
}

// builder builds the module in source into dir.
type builder struct {
	source   string
	dir      string
	assets   string
	progress io.Writer
}

func newBuilder(ctx context.Context, progress io.Writer) (*builder, error) {
	module, err := goCommand(ctx, "", "list", "-m", "-f", "{{.Dir}}", modulePath)
	if err != nil {
		return nil, fmt.Errorf("finding the sources of the components (is this run in the module %s?): %w", modulePath, err)
	}
	source := filepath.Join(strings.TrimSpace(string(module)), "cluster", "components")
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	key, err := cacheKey(os.DirFS(source))
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "custom-pod-autoscaler", "test-cluster", key)
	return &builder{source: source, dir: dir, assets: os.Getenv("KUBEBUILDER_ASSETS"), progress: progress}, nil
}

// cacheKey changes with everything that a program is built from: the pinned versions, our own
// sources, and Go.
func cacheKey(source fs.FS) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	err := fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, path)
		fmt.Fprintf(hash, "%s %x\n", path, sha256.Sum256(content))
		return err
	})
	return fmt.Sprintf("%x", hash.Sum(nil))[:16], err
}

// path is where a program is, or will be.
func (b *builder) path(name string) string {
	if b.assets != "" {
		if asset := filepath.Join(b.assets, name); exists(asset) {
			return asset
		}
	}
	return filepath.Join(b.dir, name)
}

func (b *builder) missing() []string {
	var names []string
	for _, name := range artifacts() {
		if !exists(b.path(name)) {
			names = append(names, name)
		}
	}
	return names
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// buildMissing builds in one process at a time; the others then find what it built.
func (b *builder) buildMissing(ctx context.Context) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("making the cache directory: %w", err)
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	missing := b.missing()
	if len(missing) > len(components)/2 {
		b.say("building %d parts into %s, about ten minutes on two cores", len(missing), b.dir)
	}
	for i, name := range missing {
		began := time.Now()
		b.say("building %s (%d of %d)", name, i+1, len(missing))
		if err := b.buildAloud(ctx, name); err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
		b.say("built %s in %s", name, time.Since(began).Round(time.Second))
	}
	return nil
}

func (b *builder) say(format string, args ...any) {
	fmt.Fprintf(b.progress, "test cluster: "+format+"\n", args...)
}

func (b *builder) lock(ctx context.Context) (unlock func(), err error) {
	file, err := os.Create(filepath.Join(b.dir, "build.lock"))
	if err != nil {
		return nil, fmt.Errorf("locking the cache directory: %w", err)
	}
	told := false
	err = poll(ctx, 200*time.Millisecond, func(context.Context) error {
		err := tryLock(file)
		if err != nil && !told {
			told = true
			b.say("waiting for another process that builds into %s", b.dir)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", file.Name(), err), file.Close())
	}
	return func() { _ = file.Close() }, nil
}

// buildAloud builds one artifact and tells every half minute that it still does: the first of
// the Kubernetes programs takes minutes, as it compiles what all of them share.
func (b *builder) buildAloud(ctx context.Context, name string) error {
	result := make(chan error, 1)
	go func() { result <- b.build(ctx, name) }()
	ticker := time.NewTicker(30 * time.Second)
	defer ticker.Stop()
	for began := time.Now(); ; {
		select {
		case err := <-result:
			return err
		case <-ticker.C:
			b.say("still building %s, for %s", name, time.Since(began).Round(time.Second))
		}
	}
}

// build makes one artifact beside its place and then renames it, so that nobody ever sees half of it.
func (b *builder) build(ctx context.Context, name string) error {
	half := filepath.Join(b.dir, name+".half")
	var err error
	if name == kwokConfig {
		err = b.writeKwokConfig(ctx, half)
	} else {
		err = b.compile(ctx, name, half)
	}
	if err != nil {
		return err
	}
	return os.Rename(half, filepath.Join(b.dir, name))
}

func (b *builder) compile(ctx context.Context, name, output string) error {
	version, err := goCommand(ctx, b.source, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	if err != nil {
		return err
	}
	flags := versionFlags(strings.TrimSpace(string(version)))
	part, _ := find(name)
	_, err = goCommand(ctx, b.source, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w "+flags, "-o", output, part.source)
	return err
}

// versionFlags link the version in, as the Kubernetes release build does: servers that do not
// know their version are refused by clients.
func versionFlags(version string) string {
	number := strings.Split(strings.TrimPrefix(version, "v"), ".")
	flags := []string{"-X k8s.io/client-go/pkg/version.gitVersion=" + version}
	for name, value := range map[string]string{"gitVersion": version, "gitMajor": number[0], "gitMinor": number[1]} {
		flags = append(flags, "-X k8s.io/component-base/version."+name+"="+value)
	}
	return strings.Join(flags, " ")
}
