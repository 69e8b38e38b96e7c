package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/custom-pod-autoscaler/autoscaler/v3/test/cluster"
)

// PodAddress is one of those that are kept for documentation: it is nobody's.
const PodAddress = "192.0.2.1"

// PodNetwork is a network of its own, as a pod has one: loopback, an address under which others know the pod, and the
// way to kube-apiserver. No packet leaves it. Its holder, a process inside, relays connections through unix sockets,
// which are files and so the same inside and outside.
type PodNetwork struct {
	*testing.T
	holder *exec.Cmd
	socket string
}

// StartPodNetwork starts a network, and ends it with the test, after what was started in it later.
func StartPodNetwork(t *testing.T) *PodNetwork {
	t.Helper()
	server, err := url.Parse(cluster.Start(t).Config().Host)
	if err != nil {
		t.Fatal(err)
	}
	dir := socketDir(t)
	inside, outside := filepath.Join(dir, "inside"), filepath.Join(dir, "outside")
	listener, err := net.Listen("unix", outside)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(StartRelay(listener, Dialing("tcp", server.Host)))
	n := &PodNetwork{T: t, socket: inside, holder: AsRole(t, "pod network", server.Host, inside, outside)}
	n.holder.SysProcAttr = ProcessOne()
	n.holder.SysProcAttr.Cloneflags ^= syscall.CLONE_NEWPID | syscall.CLONE_NEWNET // the one instead of the other
	n.holder.SysProcAttr.Pdeathsig = syscall.SIGKILL
	n.hold()
	return n
}

// socketDir is a folder for unix sockets: the path of t.TempDir is too long for them.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// hold starts the holder, and waits until the network is there.
func (n *PodNetwork) hold() {
	n.Helper()
	var messages bytes.Buffer
	n.holder.Stderr = &messages
	input, inputErr := n.holder.StdinPipe()
	output, outputErr := n.holder.StdoutPipe()
	if err := errors.Join(inputErr, outputErr); err != nil {
		n.Fatal(err)
	}
	if err := n.holder.Start(); err != nil {
		n.Fatalf("starting a process in a network namespace of its own: %v", err)
	}
	n.Cleanup(func() {
		defer n.killLate().Stop()
		input.Close() // the holder ends
		if err := n.holder.Wait(); err != nil {
			n.Errorf("the pod network's holder: %v\n%s", err, &messages)
		}
	})
	defer n.killLate().Stop()
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		n.Fatalf("waiting for the pod network: %q, %v", line, err) // the holder's messages follow
	}
}

// killLate kills the holder after our patience with it, unless it is stopped: whoever waits for the holder is freed.
func (n *PodNetwork) killLate() *time.Timer {
	return time.AfterFunc(Patience, func() { _ = n.holder.Process.Kill() })
}

// Inside makes a command, which is not started yet, run inside. Its process becomes the program: signals reach it.
func (n *PodNetwork) Inside(command *exec.Cmd) {
	n.Helper()
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		n.Fatalf("running a program in a network namespace takes nsenter, of util-linux: %v", err)
	}
	arguments := []string{"nsenter", "--target", strconv.Itoa(n.holder.Process.Pid), "--net"}
	if os.Getuid() != 0 {
		arguments = append(arguments, "--user", "--preserve-credentials")
	}
	command.Args = append(append(arguments, "--", command.Path), command.Args[1:]...)
	command.Path = nsenter
}

// Local is a client in the pod: it calls the port that a URL says, whatever the host, from loopback.
func (n *PodNetwork) Local() *http.Client { return n.client("127.0.0.1") }

// Neighbour is a client that calls the port that a URL says at the pod's address, and not from loopback.
func (n *PodNetwork) Neighbour() *http.Client { return n.client(PodAddress) }

func (n *PodNetwork) client(host string) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return n.dial(ctx, net.JoinHostPort(host, port))
	}}
	n.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: Patience}
}

// dial connects to an address inside.
func (n *PodNetwork) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := RelayDialer.DialContext(ctx, "unix", n.socket)
	if err != nil {
		return nil, err
	}
	if err := ask(conn, address); err != nil {
		conn.Close()
		return nil, fmt.Errorf("dialing %s in the pod network: %w", address, err)
	}
	return conn, nil
}

// AsRole is a command of the test binary as another program: see holdPodNetwork.
func AsRole(t *testing.T, role string, arguments ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self, arguments...)
	command.Env = append(os.Environ(), "E2E_ROLE="+role)
	return command
}

// holdPodNetwork is all that the test binary does where it was started as another program than the tests.
func holdPodNetwork() {
	var err error
	switch os.Getenv("E2E_ROLE") {
	case "pod network":
		err = relayPodNetwork(os.Args[1], os.Args[2], os.Args[3])
	case "caller's address":
		err = http.ListenAndServe(os.Args[1], http.HandlerFunc(tellCaller))
	default:
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func tellCaller(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) }

// relayPodNetwork runs inside, until its owner closes its standard input or is gone.
func relayPodNetwork(server, inside, outside string) error {
	if err := bringUpLoopback(); err != nil {
		return fmt.Errorf("setting up the network: %w", err)
	}
	toServer, err := net.Listen("tcp", server)
	if err != nil {
		return err
	}
	defer StartRelay(toServer, Dialing("unix", outside))()
	fromOutside, err := net.Listen("unix", inside)
	if err != nil {
		return err
	}
	defer StartRelay(fromOutside, dialAsked)()
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// bringUpLoopback gives loopback the pod's address too. There is no other interface, and so no way out.
func bringUpLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	up, upErr := unix.NewIfreq("lo")
	second, secondErr := unix.NewIfreq("lo:1")
	if err := errors.Join(upErr, secondErr); err != nil {
		return err
	}
	up.SetUint16(unix.IFF_UP)
	if err := second.SetInet4Addr(net.ParseIP(PodAddress).To4()); err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, up); err != nil {
		return err
	}
	return unix.IoctlIfreq(socket, unix.SIOCSIFADDR, second)
}
