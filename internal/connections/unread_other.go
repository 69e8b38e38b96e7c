//go:build !unix

package connections

import "net"

// unread is not known here.
func unread(net.Conn) bool { return false }
