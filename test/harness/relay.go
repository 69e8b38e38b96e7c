package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const mostRelayed = 1100 // connections at once; further ones wait to be accepted

// RelayDialer dials as long as a busy machine may take, though a relay is never to another one.
var RelayDialer = net.Dialer{Timeout: 20 * time.Second}

// StartRelay passes on what a listener accepts to what dial gives for it, until the relay is ended. Where dialing
// fails, it hangs up. When end returns, nothing of the relay is left.
func StartRelay(listener net.Listener, dial func(ctx context.Context, from net.Conn) (net.Conn, error)) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	relay := func(from net.Conn) {
		defer from.Close()
		if to, err := dial(ctx, from); err == nil {
			join(ctx, from, to)
		}
	}
	running.Go(func() { acceptAll(listener, &running, relay) })
	return func() {
		cancel()
		listener.Close()
		running.Wait()
	}
}

// acceptAll handles connections, each in a goroutine of the group, until the listener is closed.
func acceptAll(listener net.Listener, running *sync.WaitGroup, handle func(net.Conn)) {
	defer listener.Close() // when it accepts no more, callers are refused rather than kept waiting
	for slots := make(chan struct{}, mostRelayed); ; {
		slots <- struct{}{}
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		running.Go(func() {
			defer func() { <-slots }()
			handle(conn)
		})
	}
}

// join copies between two connections until both have ended, or one has failed, or the context ends.
func join(ctx context.Context, from, to net.Conn) {
	hangUp := func() { from.Close(); to.Close() }
	defer hangUp()
	defer context.AfterFunc(ctx, hangUp)()
	var directions sync.WaitGroup
	half := func(to, from net.Conn) {
		if _, err := io.Copy(to, from); err != nil {
			hangUp()
		} else if end, ok := to.(interface{ CloseWrite() error }); ok {
			_ = end.CloseWrite() // the other direction may go on; this fails if it has failed
		}
	}
	directions.Go(func() { half(to, from) })
	directions.Go(func() { half(from, to) })
	directions.Wait()
}

// Dialing always dials the same address.
func Dialing(network, address string) func(context.Context, net.Conn) (net.Conn, error) {
	return func(ctx context.Context, _ net.Conn) (net.Conn, error) {
		return RelayDialer.DialContext(ctx, network, address)
	}
}

// dialAsked dials what the first line asks for. It replies with a line that says why it failed, or nothing: so who
// asks knows a refused connection from one that was closed.
func dialAsked(ctx context.Context, from net.Conn) (net.Conn, error) {
	address, err := readLine(from)
	if err != nil {
		return nil, err
	}
	to, err := RelayDialer.DialContext(ctx, "tcp", address)
	if err != nil {
		fmt.Fprintln(from, err)
		return nil, err
	}
	fmt.Fprintln(from) // if this fails, so does what is copied next
	return to, nil
}

// ask makes dialAsked at the other end of the connection dial.
func ask(conn net.Conn, address string) error {
	if _, err := fmt.Fprintln(conn, address); err != nil {
		return err
	}
	failure, err := readLine(conn)
	if err == nil && failure != "" {
		err = errors.New(failure)
	}
	return err
}

// readLine reads byte by byte, since what follows the line is for others.
func readLine(conn net.Conn) (string, error) {
	_ = conn.SetDeadline(time.Now().Add(2 * RelayDialer.Timeout)) // time to dial, for ask; this fails if the connection has
	defer func() { _ = conn.SetDeadline(time.Time{}) }()
	var line []byte
	for char := make([]byte, 1); ; line = append(line, char[0]) {
		if _, err := conn.Read(char); err != nil || char[0] == '\n' {
			return string(line), err
		}
	}
}
