package method

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Document is what a method is given: JSON, in pieces, so that documents which have much in common can share it. It is not to
// be changed.
type Document [][]byte

// Whole is a document in one piece.
func Whole(text []byte) Document { return Document{text} }

// Len is how many bytes it has.
func (d Document) Len() (length int) {
	for _, piece := range d {
		length += len(piece)
	}
	return length
}

// Bytes are all of it.
func (d Document) Bytes() []byte {
	if len(d) == 1 {
		return d[0]
	}
	return slices.Concat(d...)
}

// WriteTo writes it piece by piece.
func (d Document) WriteTo(to io.Writer) (written int64, err error) {
	for _, piece := range d {
		n, err := to.Write(piece)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// reader reads it once.
func (d Document) reader() io.ReadCloser {
	pieces := make([]io.Reader, len(d))
	for i, piece := range d {
		pieces[i] = bytes.NewReader(piece)
	}
	return io.NopCloser(io.MultiReader(pieces...))
}

// Send hands the method a document as JSON.
func Send(ctx context.Context, to Runner, document any) (reply string, err error) {
	text, err := json.Marshal(document)
	if err != nil {
		return "", fmt.Errorf("writing a document for user logic: %w", err)
	}
	return to.Run(ctx, Whole(text))
}

// SendHook hands a hook its document, if there is a hook. What it replies is of no consequence.
func SendHook(ctx context.Context, hook Runner, document any) error {
	if hook == nil {
		return nil
	}
	_, err := Send(ctx, hook, document)
	return err
}
