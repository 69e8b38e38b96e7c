package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/secret"
)

const mostBytes = 1 << 20

// readBounded reads a file that is not larger than any configuration needs to be.
func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", reason(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", reason(err))
	}
	if len(text) > mostBytes {
		return nil, fmt.Errorf("must be at most %d bytes", mostBytes)
	}
	return text, nil
}

// reason is an error without the file's name, which the problem has already.
func reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// Parse gives one YAML or JSON document twice: its values as sigs.k8s.io/yaml has them, and its nodes, which know
// their lines.
func Parse(text []byte) (value any, root *yaml.Node, err error) {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for n := 0; ; n++ {
		var document yaml.Node
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, unreadable(err)
		}
		switch empty := len(document.Content) == 0 || document.Content[0].Tag == "!!null"; {
		case n == 0 && !empty:
			root = document.Content[0]
		case n > 0 && !empty:
			return nil, nil, fmt.Errorf("must be one document; another starts at line %d", document.Line)
		}
	}
	numbers := func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d } // not floats, which lose digits
	if err := k8syaml.Unmarshal(text, &value, numbers); err != nil {
		return nil, nil, unreadable(err)
	}
	return value, root, nil
}

// quotes are where an error of a YAML parser quotes the document, which may have credentials in it.
var quotes = regexp.MustCompile("(?s)`[^`]*`|'[^']*'" + `|(?:invalid map key|nsupported map key of type|invalid Unicode|key):.*`)

// unreadable is the error of a parser without what it quotes. It still says what is wrong and, where the parser knows, in
// which line.
func unreadable(err error) error {
	text := quotes.ReplaceAllStringFunc(err.Error(), func(quote string) string {
		if word, _, named := strings.Cut(quote, ":"); named && quote[0] != '`' && quote[0] != '\'' {
			return word
		}
		if len(quote) <= len("'x'") || quote == "':'" {
			return quote // one character
		}
		return "..."
	})
	return errors.New("parsing it as YAML or JSON: " + secret.Mask(text))
}
