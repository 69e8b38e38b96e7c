//go:build !linux

package e2e

// holdPodNetwork does nothing: only Linux has network namespaces, and the tests that use one.
func holdPodNetwork() {}
