package connections

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"
)

// accepted is a connection over which a text has come, of a set without room for another.
func accepted(t *testing.T, text string) (set *Set, conn *connection, client net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	set = New(listener, 1, 1)
	of, err := set.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { of.Close() })
	conn = of.(*connection)
	if _, err := io.WriteString(client, text); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		for deadline := time.Now().Add(10 * time.Second); !unread(conn.Conn); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the text does not come")
			}
		}
	}
	return set, conn, client
}

func TestAConnectionIsNotClosedBeforeItsRequestIsRead(t *testing.T) {
	set, conn, _ := accepted(t, "GET /healthz")
	closes := func() bool { closed, _ := set.closeOne(false); return closed }
	if closes() {
		t.Error("it is closed before anybody reads it")
	}
	conn.wait()
	if closes() {
		t.Error("it is closed although something has come that is not read yet")
	}
	if n, err := conn.Conn.Read(make([]byte, 100)); n != 12 || err != nil {
		t.Fatal(n, err)
	}
	conn.heard()
	if closes() {
		t.Error("it is closed while what has come is worked on")
	}
	conn.wait()
	if !closes() {
		t.Error("it is not closed although it is silent")
	}
}

func TestAConnectionIsNotClosedBeforeItsAnswerIsWritten(t *testing.T) {
	for _, serving := range []bool{true, false} {
		set, conn, _ := accepted(t, "")
		done, open := Keep(With(t.Context(), conn), serving)
		conn.wait() // as net/http does while a request is answered, and may come to do only after that
		done()
		conn.wait()
		conn.heard()
		if !open || conn.list != &set.answering || set.serving != 0 {
			t.Errorf("serving %t: open %t, it is not among those whose answer is not taken, or %d are serving", serving, open, set.serving)
		}
		State(conn, http.StateIdle)
		conn.wait()
		if conn.list != &set.waiting {
			t.Errorf("serving %t: it does not wait for another request", serving)
		}
	}
}

func TestAConnectionWhoseRequestCannotBeReadMakesRoomAtOnce(t *testing.T) {
	set, conn, _ := accepted(t, "no request")
	if n, err := conn.Read(make([]byte, 100)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := io.WriteString(conn, "400"); err != nil {
		t.Fatal(err)
	}
	if closed, _ := set.closeOne(false); !closed {
		t.Error("it is not closed")
	}
}

func TestAConnectionThatIsNeverReadIsClosedInTheEnd(t *testing.T) {
	set, conn, client := accepted(t, "GET /healthz")
	conn.wait()
	began := time.Now()
	if set.add(&net.TCPConn{}) == nil || !conn.closed || time.Since(began) < patience {
		t.Errorf("after %s it is closed: %t", time.Since(began), conn.closed)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("its client does not notice")
	}
}

func TestAConnectionThatWouldWaitAfterTheEndIsClosed(t *testing.T) {
	set, conn, _ := accepted(t, "")
	set.CloseWaiting()
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("got %d, %v", n, err)
	}
	if set.count() != 0 {
		t.Error("it has not given up its room")
	}
}

// pipes is a listener of connections in memory.
type pipes struct{ net.Listener }

func (pipes) Accept() (net.Conn, error) {
	near, _ := net.Pipe()
	return near, nil
}

func TestConnectionsAreClosedInOrder(t *testing.T) {
	set := New(pipes{}, 3, 3)
	accept := func() *connection {
		conn, err := set.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn.(*connection)
	}
	closed := func(conns ...*connection) (which []bool) {
		for _, conn := range conns {
			which = append(which, conn.closed)
		}
		return which
	}
	waiting := func() *connection {
		conn := accept()
		conn.wait()
		return conn
	}
	first, second, third := accept(), waiting(), waiting()
	first.use(nil)
	second.heard()
	second.wait() // which now is silent for less long than the third
	fourth := waiting()
	if got, want := closed(first, second, third, fourth), []bool{false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("closed %v, want %v", got, want)
	}
	second.use(&set.answering)
	fifth := waiting()
	if got, want := closed(first, second, fourth, fifth), []bool{false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("closed %v, want %v: silent ones go before answers", got, want)
	}
	if fourth.use(nil) {
		t.Error("a connection that is closed begins to serve")
	}
	fifth.use(nil)
	sixth := waiting()
	if !second.closed {
		t.Error("an answer that is not taken is not closed, where there is nothing else")
	}
	sixth.use(nil)
	if set.add(&net.TCPConn{}) != nil || set.count() != 3 || set.serving != 3 {
		t.Errorf("%d connections, %d of them serving", set.count(), set.serving)
	}
	for _, conn := range []*connection{first, first, fourth, fifth, sixth} {
		conn.Close()
	}
	if set.count() != 0 || set.serving != 0 {
		t.Errorf("%d connections are left, %d of them serving", set.count(), set.serving)
	}
}

func TestAConnectionThatWasClosedForOthersIsNotOpen(t *testing.T) {
	set := New(pipes{}, 1, 1)
	conn, err := set.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.(*connection).wait()
	set.closeOne(false)
	for _, serving := range []bool{true, false} {
		if _, open := Keep(With(t.Context(), conn), serving); open {
			t.Errorf("serving %t: it is open", serving)
		}
	}
}
