package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// answer is a ResponseWriter that remembers its status.
type answer struct {
	http.ResponseWriter
	code int
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader starts the time within which the caller has to take the answer.
func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
		_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(answerWithin))
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Write(text []byte) (int, error) {
	if a.code == 0 {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(text)
}

// fail answers with an error, in the words of the API.
func (a *answer) fail(err error) {
	code := codeOf(err)
	switch code {
	case http.StatusUnauthorized:
		a.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests:
		a.Header().Set("Retry-After", "1")
	}
	_ = send(a, code, userlogic.RESTError{Message: err.Error(), Code: code}) // which can always be written as JSON
}

// codeOf is the status code of an error that has one; others are the autoscaler's own.
func codeOf(err error) int {
	var coded interface {
		error
		Code() int
	}
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return http.StatusInternalServerError
}

// send answers with a document, which people read as well: it is not written as if it stood in HTML.
func send(w http.ResponseWriter, code int, document any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return err
	}
	write(w, code, "application/json", bytes.TrimSpace(text.Bytes()))
	return nil
}

// write answers with text. A caller that is gone does not get it.
func write(w http.ResponseWriter, code int, contentType string, text []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(text)))
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(text)
}
