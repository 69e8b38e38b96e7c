package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/regular"
)

// certificate is read at every handshake: the files are small, and their content, unlike their times, cannot miss a
// change. While they do not fit each other, as in the middle of a change, the last that did is used.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mutex     sync.Mutex
	cert, key string // what pair was made from
	pair      *tls.Certificate
	failed    string // the last error, so that it is logged once
}

// read gives an error if there is no certificate to begin with.
func (c *certificate) read() error {
	_, err := c.current(nil)
	return err
}

// current is called for each handshake.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	err := c.update()
	if err == nil {
		c.failed = ""
		return c.pair, nil
	}
	if c.pair == nil {
		return nil, err
	}
	if c.failed != err.Error() {
		c.failed = err.Error()
		c.log.Warn("going on with the old certificate", "err", err)
	}
	return c.pair, nil
}

func (c *certificate) update() error {
	cert, err := regular.Read(c.certFile)
	if err != nil {
		return fmt.Errorf("reading apiConfig.certFile: %w", err)
	}
	key, err := regular.Read(c.keyFile)
	if err != nil {
		return fmt.Errorf("reading apiConfig.keyFile: %w", err)
	}
	if c.pair != nil && string(cert) == c.cert && string(key) == c.key {
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("reading apiConfig.certFile %s and apiConfig.keyFile %s: %w", c.certFile, c.keyFile, err)
	}
	c.cert, c.key, c.pair = string(cert), string(key), &pair
	return nil
}
