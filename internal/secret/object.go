package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Object returns a Kubernetes object, or any other JSON document, without what may be secret in it. It works by the names of
// fields, wherever they are, so that it covers pod templates of every kind, and custom resources:
//
//	env, and what is named like it           names stay, values go
//	command, args                            go: a probe's and a hook's, too
//	httpHeaders, headers                     names stay, values go
//	a probe's path                           its query goes
//	volumeAttributes, options of a volume    go
//	a field, or a name with a value, that is
//	named like a credential                  the value goes
//	data of a Secret                         goes
//	managedFields, annotations that hold the object once more, messages of containers that ended   go
//	every other text                         is masked
func Object(object json.RawMessage) (json.RawMessage, error) {
	read := json.NewDecoder(bytes.NewReader(object))
	read.UseNumber()
	var value any
	if err := read.Decode(&value); err != nil {
		return nil, fmt.Errorf("reading an object to take credentials out of it: %w", err)
	}
	return json.Marshal(clean("", value))
}

// The names of fields, in lower case, by what is done with what they hold.
var (
	environments = regexp.MustCompile(`^(?:env|envs|env_?vars?|environment|environment_?variables|(?:extra|container|pod|additional)_?env\w*)$`)
	dropped      = map[string]bool{
		"managedfields": true, "command": true, "commands": true, "cmd": true, "args": true, "arguments": true, "commandline": true,
		"volumeattributes": true, "stringdata": true,
	}
	// copies are annotations of tools that hold the object as it was applied, in JSON or compressed.
	copies = regexp.MustCompile(`last-applied|last-config|/applied$|/original$|original-?(?:manifest|config)`)
)

func isDropped(lower string) bool {
	return dropped[lower] || strings.ContainsAny(lower, "-/") && copies.MatchString(lower)
}

// hasNames reports whether a field holds variables or headers, whose names stay.
func hasNames(lower string) bool {
	return strings.Contains(lower, "env") && environments.MatchString(lower) || strings.HasSuffix(lower, "header") || strings.HasSuffix(lower, "headers")
}

// clean returns the value of a field without credentials. It changes what is inside of it.
func clean(name string, value any) any {
	switch value := value.(type) {
	case string:
		return cleanText(name, value)
	case []any:
		for i, item := range value {
			value[i] = clean(name, item)
		}
	case map[string]any:
		cleanFields(value)
	}
	return value
}

func cleanFields(object map[string]any) {
	if object["kind"] == "Secret" {
		delete(object, "data")
	}
	for name, field := range object {
		lower := strings.ToLower(name)
		switch inside, isObject := field.(map[string]any); {
		case isDropped(lower), isCredential(name, field):
			delete(object, name)
		case hasNames(lower):
			object[name] = withoutValues(field)
		case isObject && name == "flexVolume":
			delete(inside, "options")
			cleanFields(inside)
		case isObject && name == "terminated":
			delete(inside, "message") // may be the end of the container's log
			cleanFields(inside)
		default:
			object[name] = clean(name, field)
		}
	}
	if name, _ := object["name"].(string); isCredential(name, object["value"]) {
		delete(object, "value")
	}
}

// isCredential reports whether a field is a credential by its name. Objects are looked into, and names of credentials stay.
func isCredential(name string, value any) bool {
	switch value.(type) {
	case string, json.Number:
		return Name(name) && !isReference.MatchString(name)
	}
	return false
}

// withoutValues leaves the names of variables or headers: of a list of objects with names, of a map, or of name=value.
func withoutValues(field any) any {
	switch field := field.(type) {
	case []any:
		for i, item := range field {
			field[i] = withoutValue(item)
		}
	case map[string]any:
		if _, isOne := field["name"].(string); isOne {
			return withoutValue(field)
		}
		for name, value := range field {
			if _, isObject := value.(map[string]any); !isObject {
				delete(field, name)
				field[name] = nil
				continue
			}
			field[name] = withoutValue(value)
		}
	case string:
		return Hidden
	}
	return field
}

// withoutValue keeps the name of a variable, and where its value comes from.
func withoutValue(item any) any {
	switch item := item.(type) {
	case map[string]any:
		for name, field := range item {
			if _, isObject := field.(map[string]any); name != "name" && name != "key" && !isObject {
				delete(item, name)
			}
		}
		cleanFields(item)
	case string:
		name, _, _ := strings.Cut(item, "=")
		return Mask(name)
	}
	return item
}

// cleanText masks a text. One that is JSON itself, as in annotations, is cleaned like an object.
func cleanText(name, text string) string {
	if name == "path" {
		text, _, _ = strings.Cut(text, "?")
	}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if cleaned, ok := cleanJSON(text); ok {
			return cleaned
		}
	}
	return Mask(text)
}

// cleanJSON cleans a text that is JSON. One that has nothing to hide stays as it is written.
func cleanJSON(text string) (cleaned string, ok bool) {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return "", false
	}
	before, _ := json.Marshal(value)
	after, _ := json.Marshal(clean("", value))
	if bytes.Equal(before, after) {
		return text, true
	}
	return string(after), true
}
