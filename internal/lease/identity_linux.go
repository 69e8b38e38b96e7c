package lease

import (
	"io"
	"net"
	"os"
)

// network identifies the network namespace, of which each pod has one of its own unless it uses its node's: by the boot of
// the kernel and the namespace's number there. It is "" where that is not known.
func network() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return ""
	}
	return string(boot) + namespace
}

// claim takes a name that one process of a network namespace can have at a time. It is a socket without a file, on which
// nothing is read: what others send there stays in the kernel, which bounds it.
func claim(name string) (io.Closer, error) {
	return net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@" + name, Net: "unixgram"})
}
