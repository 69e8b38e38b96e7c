package method

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Document is what a method is given: JSON, in pieces, so that documents which have much in common can share it, and the time of
// the pass that it belongs to. It is not to be changed.
type Document struct {
	Pieces [][]byte
	Began  time.Time // zero where there is no pass
}

// Whole is a document in one piece.
func Whole(text []byte) Document { return Document{Pieces: [][]byte{text}} }

// At makes it part of a pass that began at that time. User logic that goes by this clock, and not by the machine's, can be
// simulated and replayed.
func (d Document) At(began time.Time) Document {
	d.Began = began
	return d
}

// Len is how many bytes it has.
func (d Document) Len() (length int) {
	for _, piece := range d.Pieces {
		length += len(piece)
	}
	return length
}

// Bytes are all of it.
func (d Document) Bytes() []byte {
	if len(d.Pieces) == 1 {
		return d.Pieces[0]
	}
	return slices.Concat(d.Pieces...)
}

// WriteTo writes it piece by piece.
func (d Document) WriteTo(to io.Writer) (written int64, err error) {
	for _, piece := range d.Pieces {
		n, err := to.Write(piece)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// Reader reads it once.
func (d Document) Reader() io.ReadCloser {
	pieces := make([]io.Reader, len(d.Pieces))
	for i, piece := range d.Pieces {
		pieces[i] = bytes.NewReader(piece)
	}
	return io.NopCloser(io.MultiReader(pieces...))
}

// Send hands the method a document as JSON, in a pass that began at that time.
func Send(ctx context.Context, to Runner, began time.Time, document any) (reply string, err error) {
	text, err := json.Marshal(document)
	if err != nil {
		return "", fmt.Errorf("writing a document for user logic: %w", err)
	}
	return to.Run(ctx, Whole(text).At(began))
}

// SendHook hands a hook its document, if there is a hook. What it replies is of no consequence.
func SendHook(ctx context.Context, hook Runner, began time.Time, document any) error {
	if hook == nil {
		return nil
	}
	_, err := Send(ctx, hook, began, document)
	return err
}
