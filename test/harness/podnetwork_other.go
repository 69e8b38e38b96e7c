//go:build !linux

package harness

// holdPodNetwork does nothing: only Linux has network namespaces, and the tests that use one.
func holdPodNetwork() {}
