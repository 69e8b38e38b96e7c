package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
)

// serving is the argument with which this program is the server, in a process of its own: what it takes is then not taken
// for ours.
const serving = "serve"

// serve replies to a request with its query, until standard input is closed.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: listening:", err)
		os.Exit(1)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		reply(w, r)
	}))
}

// reply gives what the URL asks for.
func reply(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, r.URL.Query().Get("reply"))
}

// replying is the URL that a method is called at.
func replying(server, method, reply string) string {
	return server + "/" + method + "?" + url.Values{"reply": {reply}}.Encode()
}

func httpSettings(s site) func(method, reply string) map[string]any {
	return func(method, reply string) map[string]any {
		return map[string]any{"type": "http", "timeout": patience, "http": map[string]any{
			"method": http.MethodPost, "url": replying(s.server, method, reply), "parameterMode": "body",
		}}
	}
}

// requestsAtATime is how many metricConcurrency lets the program make where nothing is said.
const requestsAtATime = 32

// httpFloor sends the documents by a client that keeps its connections, as many at a time as the program does.
func httpFloor(_ context.Context, s site, c benchCase, documents []document) (floor, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: requestsAtATime}
	client := &http.Client{Transport: transport}
	replies := c.replies()
	run := func(ctx context.Context) error {
		return sideBySide(requestsAtATime, documents, func(d document) error {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, replying(s.server, d.method, replies[d.method]), bytes.NewReader(d.text))
			if err != nil {
				return err
			}
			return drain(client, request)
		})
	}
	return floor{run: run, close: transport.CloseIdleConnections}, nil
}

// drain makes a request and reads the answer to its end, whatever is in it.
func drain(client *http.Client, request *http.Request) error {
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", request.URL, answer.Status)
	}
	return err
}
