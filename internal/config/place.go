package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is where a value stands: under which key, and where that was written.
type place struct {
	key    string
	source string
	file   string     // empty for the environment, whose lines nobody counts
	node   *yaml.Node // nil when unknown: below what a merge key brought in
}

// member is one entry of an object, with its name as written.
type member struct {
	name  string
	value any
	at    place
}

// members are the entries of an object as they follow one another; a key that is there twice comes twice.
// What a merge key (<<) brought in comes last.
func (p place) members(object map[string]any) []member {
	var all []member
	merged := maps.Clone(object)
	for i := 1; p.node != nil && p.node.Kind == yaml.MappingNode && i < len(p.node.Content); i += 2 {
		name, node := p.node.Content[i-1], p.node.Content[i]
		if value, ok := object[name.Value]; ok {
			all = append(all, member{name.Value, value, p.below(join(p.key, name.Value), name.Line, node)})
			delete(merged, name.Value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		all = append(all, member{name, merged[name], p.below(join(p.key, name), 0, nil)})
	}
	return all
}

// item is the place of a list's i-th value.
func (p place) item(i int) place {
	key := fmt.Sprintf("%s[%d]", p.key, i)
	if p.node != nil && p.node.Kind == yaml.SequenceNode && i < len(p.node.Content) {
		return p.below(key, p.node.Content[i].Line, p.node.Content[i])
	}
	return p.below(key, 0, nil)
}

func (p place) below(key string, line int, node *yaml.Node) place {
	if p.file != "" && line > 0 {
		p.source = fmt.Sprintf("%s line %d", p.file, line)
	}
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return place{key: key, source: p.source, file: p.file, node: node}
}

func join(under, name string) string { return strings.TrimPrefix(under+"."+name, ".") }
