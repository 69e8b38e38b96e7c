package method

import (
	"context"
	"encoding/json"
	"fmt"
)

// Send hands the method a document as JSON.
func Send(ctx context.Context, to Runner, document any) (reply string, err error) {
	text, err := json.Marshal(document)
	if err != nil {
		return "", fmt.Errorf("writing a document for user logic: %w", err)
	}
	return to.Run(ctx, text)
}

// SendHook hands a hook its document, if there is a hook. What it replies is of no consequence.
func SendHook(ctx context.Context, hook Runner, document any) error {
	if hook == nil {
		return nil
	}
	_, err := Send(ctx, hook, document)
	return err
}
