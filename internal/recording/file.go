package recording

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/fault"
)

// file is where entries are appended to. When it is full it takes the place of the one before it.
type file struct {
	path string
	most int64 // bytes, of each of the two
}

// append writes a line. The file is opened each time, once a pass, so that one that was moved or deleted is made anew.
func (f file) append(line []byte) (err error) {
	if int64(len(line)) > f.most {
		return &fault.Fault{Err: fmt.Errorf("a pass of %d bytes is more than half of what may be recorded", len(line)), Setting: "record.maxSize", Hint: "raise record.maxSize", Lasts: true}
	}
	to, size, err := f.open()
	if err != nil {
		return &fault.Fault{Err: err, Setting: "record.path", Hint: "is there a volume that may be written to? (record.path)"}
	}
	if size > 0 && size+int64(len(line)) > f.most {
		if err := errors.Join(to.Close(), os.Rename(f.path, f.path+".1")); err != nil {
			return err
		}
		if to, size, err = f.open(); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, err = to.Write(line); err != nil { // as on a disk that is full: half a line would spoil the next one
		return errors.Join(err, to.Truncate(size))
	}
	return nil
}

// open gives the file and its size. What a power failure has left of a last line is ended.
func (f file) open() (*os.File, int64, error) {
	to, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, err
	}
	size, err := to.Seek(0, io.SeekEnd)
	if err == nil && size > 0 {
		last := []byte{0}
		if _, err = to.ReadAt(last, size-1); err == nil && last[0] != '\n' {
			_, err = to.Write([]byte{'\n'})
			size++
		}
	}
	if err != nil {
		return nil, 0, errors.Join(err, to.Close())
	}
	return to, size, nil
}
