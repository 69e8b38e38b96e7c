// Package connections bounds the open connections of a listener, so that clients that open them and say nothing keep nobody out.
package connections

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// patience is how long a new connection waits for one of the others to become silent, on a machine that is too busy to read what
// they have sent.
const patience = 100 * time.Millisecond

// writeBuffer bounds what the system keeps of an answer that a client does not read, which otherwise is megabytes.
const writeBuffer = 64 << 10

// Set is a listener with a bound on its open connections. When there is no room for a new one, it closes the one that has
// been silent for longest, so that a new connection always gets in.
//
//	accepted ---> reading <---> waiting    for the client, which has sent nothing, half a handshake, half a request,
//	                 |             ^       or nothing since its last answer
//	                 |---> answering       an open route, such as a probe's, or a request that cannot be read
//	                 |             ^
//	                 \---> serving         a whole request of a caller that was admitted
//
// An answer that is written counts as answering until net/http goes on to the next request. What serves or reads is never closed, and
// what waits only where nothing has come that is not read yet, which on a busy machine takes a while. The limit has to be above the number
// of requests that are served at a time, so that there is always one to close, at once or a moment later.
type Set struct {
	net.Listener
	limit         int
	mostAnswering int

	mutex     sync.Mutex
	reading   list.List // of *connection, as all of them
	waiting   list.List // the one that has been silent for longest is first
	answering list.List // the oldest answer is first
	serving   int
	ended     bool // nobody is waited for any more
}

// connection is one of them. Its fields are guarded by the mutex of its set.
type connection struct {
	net.Conn
	set    *Set
	list   *list.List    // where it is; nil while it is serving, and once it is closed
	place  *list.Element // its place there
	taken  bool          // the answer is: another request may be waited for
	closed bool
}

// New returns the set of a listener. Above mostAnswering, connections that wait for an open answer to be taken are closed before silent
// ones, so that clients that never read cannot take all the room.
func New(listener net.Listener, limit, mostAnswering int) *Set {
	return &Set{Listener: listener, limit: limit, mostAnswering: mostAnswering}
}

// Accept makes room for each connection that it gives.
func (c *Set) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
				c.closeOne(true) // net/http tries again after a while
			}
			return nil, err
		}
		if accepted := c.add(conn); accepted != nil {
			return accepted, nil
		}
		_ = conn.Close() // there is no room, and nothing else can be done about it
	}
}

// add makes room for a connection, or gives nil where there is none.
func (c *Set) add(conn net.Conn) *connection {
	for deadline := time.Now().Add(patience); c.count() >= c.limit; {
		late := time.Now().After(deadline)
		closed, later := c.closeOne(late)
		switch {
		case closed:
		case later && !late:
			time.Sleep(time.Millisecond)
		default:
			return nil
		}
	}
	if tcp, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = tcp.SetWriteBuffer(writeBuffer) // the answer is the same without
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	added := &connection{Conn: conn, set: c, list: &c.reading}
	added.place = c.reading.PushBack(added)
	return added
}

func (c *Set) count() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.reading.Len() + c.waiting.Len() + c.answering.Len() + c.serving
}

// closeOne closes the connection that is missed least; later says that there is none now, but will be. Late is for who has waited
// for that long enough.
func (c *Set) closeOne(late bool) (closed, later bool) {
	c.mutex.Lock()
	conn := c.missedLeast(late)
	later = c.reading.Len()+c.waiting.Len() > 0
	if conn != nil {
		conn.forget()
	}
	c.mutex.Unlock()
	if conn == nil {
		return false, later
	}
	_ = conn.Conn.Close()
	return true, false
}

// missedLeast is the connection to close, or nil while there is none. The mutex is held.
func (c *Set) missedLeast(late bool) *connection {
	if c.answering.Len() > c.mostAnswering {
		return first(&c.answering)
	}
	for at := c.waiting.Front(); at != nil; at = at.Next() {
		if conn := at.Value.(*connection); late || !unread(conn.Conn) {
			return conn
		}
	}
	switch {
	case c.reading.Len() == 0 && c.waiting.Len() == 0:
		return first(&c.answering)
	case late:
		return first(&c.reading)
	}
	return nil
}

// first is the first of a list, or nil where there is none.
func first(of *list.List) *connection {
	if of.Len() == 0 {
		return nil
	}
	return of.Front().Value.(*connection)
}

// CloseWaiting closes every connection that has no whole request, now or as soon as it would wait for the rest of one.
func (c *Set) CloseWaiting() {
	c.mutex.Lock()
	c.ended = true
	var all []*connection
	for element := c.waiting.Front(); element != nil; element = c.waiting.Front() {
		conn := element.Value.(*connection)
		conn.forget()
		all = append(all, conn)
	}
	c.mutex.Unlock()
	for _, conn := range all {
		_ = conn.Conn.Close()
	}
}

// Read waits for the client, or returns what it has sent.
func (c *connection) Read(into []byte) (int, error) {
	if !c.wait() {
		_ = c.Conn.Close()
	}
	defer c.heard()
	return c.Conn.Read(into)
}

// wait has the connection wait for its client. While a request is answered net/http reads, too, to notice clients that are gone: that
// is no waiting. It returns false where the connection is to be closed instead.
func (c *connection) wait() bool {
	c.set.mutex.Lock()
	defer c.set.mutex.Unlock()
	switch {
	case c.closed || !c.taken && c.list != &c.set.reading:
		return true
	case c.set.ended:
		c.forget()
		return false
	}
	c.taken = false
	c.moveTo(&c.set.waiting)
	return true
}

// heard ends the waiting.
func (c *connection) heard() {
	c.set.mutex.Lock()
	defer c.set.mutex.Unlock()
	if c.list == &c.set.waiting {
		c.moveTo(&c.set.reading)
	}
}

// Write writes an answer. Outside of a request it is about one that cannot be read, or part of a handshake.
func (c *connection) Write(text []byte) (int, error) {
	c.set.mutex.Lock()
	if c.list == &c.set.reading {
		c.moveTo(&c.set.answering)
		c.taken = true
	}
	c.set.mutex.Unlock()
	return c.Conn.Write(text)
}

// moveTo makes the connection the last of a list; nil is for serving. The mutex is held.
func (c *connection) moveTo(to *list.List) {
	c.leave()
	if c.list = to; to == nil {
		c.set.serving++
		return
	}
	c.place = to.PushBack(c)
}

// leave takes the connection out of where it is. The mutex is held.
func (c *connection) leave() {
	if c.list != nil {
		c.list.Remove(c.place)
		return
	}
	c.set.serving--
}

// forget gives up the connection's room for good. The mutex is held.
func (c *connection) forget() {
	if !c.closed {
		c.leave()
		c.list, c.closed = nil, true
	}
}

// Close gives up the connection's room, too.
func (c *connection) Close() error {
	c.set.mutex.Lock()
	c.forget()
	c.set.mutex.Unlock()
	return c.Conn.Close()
}

// connectionKey is where a request's context has its connection.
type connectionKey struct{}

// With is http.Server.ConnContext.
func With(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, plain(conn))
}

// plain is a connection without its TLS.
func plain(conn net.Conn) net.Conn {
	if secure, ok := conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return conn
}

// State is http.Server.ConnState.
func State(conn net.Conn, state http.ConnState) {
	if c, ok := plain(conn).(*connection); ok && state == http.StateIdle {
		c.set.mutex.Lock()
		defer c.set.mutex.Unlock()
		c.taken = true
	}
}

// Keep says how the connection of a request is used until done is called, and whether it is still open. It never is again
// once it was closed to make room, so that nothing is run for a caller that cannot get the answer.
func Keep(ctx context.Context, serving bool) (done func(), open bool) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok { // a test's
		return func() {}, true
	}
	to := &conn.set.answering
	if serving {
		to = nil
	}
	return func() { conn.use(&conn.set.answering) }, conn.use(to)
}

// use moves the connection, unless it is closed.
func (c *connection) use(as *list.List) bool {
	c.set.mutex.Lock()
	defer c.set.mutex.Unlock()
	if c.closed {
		return false
	}
	c.taken = false
	if c.list != as {
		c.moveTo(as)
	}
	return true
}
