package terminal

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table writes rows whose columns are aligned. Nothing is written before Flush.
type Table struct{ cells *tabwriter.Writer }

// NewTable makes a table with a number of blanks between its columns.
func NewTable(to io.Writer, blanks int) Table {
	return Table{tabwriter.NewWriter(to, 0, 0, blanks, ' ', 0)}
}

// Row adds a row. An empty one ends the columns above it: those below have widths of their own.
func (t Table) Row(cells ...string) { fmt.Fprintln(t.cells, strings.Join(cells, "\t")) }

// Flush writes the rows.
func (t Table) Flush() error { return t.cells.Flush() }
