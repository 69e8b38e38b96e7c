package rule

// Key is one setting of an object. Its name is the JSON name of a field, dots leading into fields of fields.
type Key struct {
	Name    string
	Meaning string
	Rule    Rule // the zero Rule where anything of the key's type will do
}
