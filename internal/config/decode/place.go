package decode

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Place is where a value stands: under which key, and where that was written.
type Place struct {
	Key    string
	Source string
	file   string     // empty for the environment, which has no lines
	Node   *yaml.Node // nil when unknown: below what a merge key brought in
}

// member is one entry of an object, with its name as written.
type member struct {
	name  string
	value any
	at    Place
}

// members are the entries of an object as they follow one another; a key that is there twice comes twice.
// What a merge key (<<) brought in comes last.
func (p Place) members(object map[string]any) []member {
	var all []member
	merged := maps.Clone(object)
	for i := 1; p.Node != nil && p.Node.Kind == yaml.MappingNode && i < len(p.Node.Content); i += 2 {
		name, node := p.Node.Content[i-1], p.Node.Content[i]
		if value, ok := object[name.Value]; ok {
			all = append(all, member{name.Value, value, p.below(Join(p.Key, name.Value), name.Line, node)})
			delete(merged, name.Value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		all = append(all, member{name, merged[name], p.below(Join(p.Key, name), 0, nil)})
	}
	return all
}

// item is the place of a list's i-th value.
func (p Place) item(i int) Place {
	key := fmt.Sprintf("%s[%d]", p.Key, i)
	if p.Node != nil && p.Node.Kind == yaml.SequenceNode && i < len(p.Node.Content) {
		return p.below(key, p.Node.Content[i].Line, p.Node.Content[i])
	}
	return p.below(key, 0, nil)
}

func (p Place) below(key string, line int, node *yaml.Node) Place {
	if p.file != "" && line > 0 {
		p.Source = fmt.Sprintf("%s line %d", p.file, line)
	}
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return Place{Key: key, Source: p.Source, file: p.file, Node: node}
}

// Join is the path of a key under another.
func Join(under, name string) string { return strings.TrimPrefix(under+"."+name, ".") }
