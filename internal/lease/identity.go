package lease

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
)

// Identity is the name by which a process holds leases. It begins with the host's name, which for a pod is the pod's.
//
// The host's name alone is not enough: all pods of a node that use its network have the node's, and a template can give all
// of its pods the same. Two autoscalers would then take each other's lease for their own.
//
//	the process                                      its identity
//	first of its pod                                 pod-a_<digest of the pod's network>
//	the same container, started again                pod-a_<the same>: it goes on at once
//	a second one in the same network                 pod-a_<random>: it waits
//	a pod of the same name in another network        pod-a_<digest of that one>: it waits
//
// That the first of the network is alive is known by a socket that the kernel closes when the process ends, however it ends.
type Identity struct {
	Holder string
	claim  io.Closer // nil where there is none
}

// NewIdentity gives an identity that no other living process has for a lease.
func NewIdentity(namespace, lease string) (*Identity, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("finding out the host's name, for the lease: %w", err)
	}
	if place := network(); place != "" {
		claimed, err := claim("custom-pod-autoscaler/" + digest(host, place, namespace, lease))
		if err == nil {
			return &Identity{Holder: host + separator + digest(place)[:10], claim: claimed}, nil
		}
	}
	return &Identity{Holder: host + separator + strings.ToLower(rand.Text()[:10])}, nil
}

// Close gives the identity up.
func (i *Identity) Close() error {
	if i.claim == nil {
		return nil
	}
	return i.claim.Close()
}

// separator cannot be in a host's name.
const separator = "_"

// nameOf is a holder for people: the pod's name, as long as that is not our own.
func (l *Lease) nameOf(holder string) string {
	name, _, _ := strings.Cut(holder, separator)
	if own, _, _ := strings.Cut(l.Holder, separator); name == own {
		return holder
	}
	return name
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum[:20])
}
