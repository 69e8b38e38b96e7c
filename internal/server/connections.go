package server

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// mostAnswering bounds the connections that wait for an open answer, such as a probe's, to be taken. Above it these are
// closed before silent ones, so that clients that never read cannot take all the room.
const mostAnswering = spareConnections / 2

// fresh is how long a connection has to be read from, and to take an answer, before it is closed for another. Without it a burst of
// connections closes those that have just been accepted, such as a probe's, on a machine that is busy. It also bounds how many
// connections are accepted: limit in each such time. If it were longer, a flood would keep a probe waiting to be accepted.
const fresh = 10 * time.Millisecond

// writeBuffer bounds what the system keeps of an answer that a client does not read, which otherwise is megabytes.
const writeBuffer = 64 << 10

// connections bounds the open connections of a listener. When there is no room for a new one, it closes the one that has
// been silent for longest, so that a new connection always gets in.
//
//	accepted ---> waiting <---> answering   an open route: probes and Prometheus
//	                 ^---------> serving    a whole request of a caller that was admitted; never closed from here
//
// A connection waits while it has sent nothing, half a handshake, half a request, or nothing since its last answer. At most
// Options.MaxRequests connections are serving, and the limit is above that, so there is always one to close, at once or a moment later.
type connections struct {
	net.Listener
	limit int

	mutex     sync.Mutex
	waiting   list.List // of *connection; the one that has been silent for longest is first
	answering list.List // of *connection; the oldest answer is first
	serving   int
}

// connection is one of them. Its fields are guarded by the mutex of its set.
type connection struct {
	net.Conn
	set    *connections
	list   *list.List    // where it is; nil while it is serving, and once it is closed
	since  time.Time     // when it came there
	place  *list.Element // its place there
	closed bool
}

func newConnections(listener net.Listener, limit int) *connections {
	return &connections{Listener: listener, limit: limit}
}

// Accept makes room for each connection that it gives.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
				c.closeOne(0) // net/http tries again after a while
			}
			return nil, err
		}
		if accepted := c.add(conn); accepted != nil {
			return accepted, nil
		}
		_ = conn.Close() // there is no room, and nothing else can be done about it
	}
}

// add makes room for a connection, or gives nil where all others are serving.
func (c *connections) add(conn net.Conn) *connection {
	for c.count() >= c.limit {
		early, closed := c.closeOne(fresh)
		switch {
		case closed:
		case early > 0:
			time.Sleep(early)
		default:
			return nil
		}
	}
	if tcp, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = tcp.SetWriteBuffer(writeBuffer) // the answer is the same without
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	added := &connection{Conn: conn, set: c, list: &c.waiting, since: time.Now()}
	added.place = c.waiting.PushBack(added)
	return added
}

func (c *connections) count() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.waiting.Len() + c.answering.Len() + c.serving
}

// closeOne closes the connection that is missed least. It has to be where it is for so long;
// early is how much is left of that.
func (c *connections) closeOne(age time.Duration) (early time.Duration, closed bool) {
	c.mutex.Lock()
	from := &c.waiting
	if from.Len() == 0 || c.answering.Len() > mostAnswering {
		from = &c.answering
	}
	first := from.Front()
	if first == nil {
		c.mutex.Unlock()
		return 0, false
	}
	conn := first.Value.(*connection)
	if early := age - time.Since(conn.since); early > 0 {
		c.mutex.Unlock()
		return early, false
	}
	conn.forget()
	c.mutex.Unlock()
	_ = conn.Conn.Close()
	return 0, true
}

// closeWaiting closes every connection that has no whole request.
func (c *connections) closeWaiting() {
	c.mutex.Lock()
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

// moveTo makes the connection the last of a list; nil is for serving. The mutex is held.
func (c *connection) moveTo(to *list.List) {
	c.leave()
	c.since = time.Now()
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
		c.closed = true
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

// withConnection is http.Server.ConnContext.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// keep says how the connection of a request is used until done is called, and whether it is still open. It never is again
// once it was closed to make room, so that nothing is run for a caller that cannot get the answer.
func keep(ctx context.Context, serving bool) (done func(), open bool) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok { // a test's
		return func() {}, true
	}
	to := &conn.set.answering
	if serving {
		to = nil
	}
	return func() { conn.use(&conn.set.waiting) }, conn.use(to)
}

// use moves the connection, unless it is closed.
func (c *connection) use(as *list.List) bool {
	c.set.mutex.Lock()
	defer c.set.mutex.Unlock()
	if c.closed {
		return false
	}
	c.moveTo(as)
	return true
}
