//go:build !unix

package server

import "net"

// unread is not known here.
func unread(net.Conn) bool { return false }
