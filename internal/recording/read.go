package recording

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// longestLine is the most that a line is read of: a pass over thousands of pods has tens of megabytes.
const longestLine = 256 << 20

// Read gives each entry of a recording, in their order, and the number of lines that are none, such as the last one of an
// autoscaler that was killed. A file that has no entry at all is no recording.
func Read(from io.Reader, each func(Entry) error) (torn int, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longestLine)
	entries := 0
	var why error
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		entry, err := parse(lines.Bytes())
		if err != nil {
			torn, why = torn+1, err
			continue
		}
		entries++
		if err := each(entry); err != nil {
			return torn, err
		}
	}
	switch {
	case errors.Is(lines.Err(), bufio.ErrTooLong):
		return torn, fmt.Errorf("it has a line of more than %d MiB, the most that a pass may have", longestLine>>20)
	case lines.Err() != nil:
		return torn, lines.Err()
	case entries > 0:
		return torn, nil
	case why != nil:
		return torn, fmt.Errorf("it is no recording: %w", why)
	}
	return torn, errors.New("it is empty: nothing was recorded yet")
}

func parse(line []byte) (Entry, error) {
	var entry Entry
	err := json.Unmarshal(line, &entry)
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Entry{}, fmt.Errorf("an entry has a %s that nothing writes: a JSON %s", cmp.Or(mismatch.Field, "value"), mismatch.Value)
	}
	if err != nil {
		return Entry{}, errors.New("it has a line that is not JSON")
	}
	if entry.Version < 1 || entry.Version > version {
		return Entry{}, fmt.Errorf("an entry has the version %d, and 1 to %d are read here", entry.Version, version)
	}
	return entry, nil
}
