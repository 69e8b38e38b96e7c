// Command test-adapter serves custom.metrics.k8s.io and external.metrics.k8s.io from values
// that were written to it by POST, so that a test decides what every metric says.
//
// Custom metrics are kept by the provider that ships with custom-metrics-apiserver. Its own
// program cannot be used: it writes on port 8080 of every interface, and its external
// metrics are fixed.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/emicklei/go-restful/v3"
	apiserver "k8s.io/apiserver/pkg/server"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"
	"sigs.k8s.io/custom-metrics-apiserver/test-adapter/provider"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "test-adapter:", err)
		os.Exit(1)
	}
}

func run() error {
	// Resources that a test adds (a CRD) are found within the interval; zero would be a busy loop.
	adapter := &cmd.AdapterBase{Name: "test-adapter", DiscoveryInterval: 5 * time.Second}
	writeAddress := adapter.Flags().String("write-address", "127.0.0.1:8080", "where values are written by POST")
	if err := adapter.Flags().Parse(os.Args[1:]); err != nil {
		return err
	}
	client, err := adapter.DynamicClient()
	if err != nil {
		return err
	}
	mapper, err := adapter.RESTMapper()
	if err != nil {
		return err
	}
	custom, customWrites := provider.NewFakeProvider(client, mapper)
	external := &externalMetrics{values: map[externalKey]externalValue{}}
	adapter.WithCustomMetrics(custom)
	adapter.WithExternalMetrics(external)

	writes := restful.NewContainer().Add(customWrites).Add(external.webService())
	if err := serveWrites(*writeAddress, writes); err != nil {
		return err
	}
	return adapter.Run(apiserver.SetupSignalContext())
}

// serveWrites listens before it returns, so that a taken port ends the program at once.
func serveWrites(address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening for writes: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 3 * time.Second}
	go func() {
		fmt.Fprintln(os.Stderr, "test-adapter: serving writes:", server.Serve(listener))
		os.Exit(1)
	}()
	return nil
}
