// Package scaffold makes the files of a new autoscaler: what is to be scaled, and a language, come in, and files that work as they
// are go out. Write puts them into a folder, all or none.
//
// What all languages share is in templates/common, and what is a language's own in the folder of its name. Where a shared file says
// something else in each language, it asks for a part by its name, which the language has in parts.tmpl. A file that ends in .tmpl
// has the values filled in, and loses that ending, which keeps tools from taking it for our own code; others are taken as they are.
package scaffold

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/version"
)

// Language is one that an autoscaler can be written in.
type Language struct {
	Name  string
	First string // the command that has to be run before the programs can be, if any
}

// Languages are all there are; a new one is a folder of templates, and a line here.
var Languages = []Language{
	{Name: "python"},
	{Name: "go", First: "go build -o user-logic ."},
	{Name: "node"},
	{Name: "shell"},
	{Name: "http", First: "python3 server.py & sleep 1"},
}

// Names are those of the languages.
func Names() (names []string) {
	for _, language := range Languages {
		names = append(names, language.Name)
	}
	return names
}

// Values are what is filled in.
type Values struct {
	Language                          string
	APIVersion, Kind, Name, Namespace string // of the target
}

// Autoscaler is its name: that of the object, of the image, and of what the operator makes.
func (v Values) Autoscaler() string { return v.Name + "-autoscaler" }

// Image is the name that the image is built by.
func (v Values) Image() string { return v.Autoscaler() + ":latest" }

// Module is the path of a Go module.
func (v Values) Module() string { return strings.ReplaceAll(v.Autoscaler(), ".", "-") + "/user-logic" }

// ImagesVersion is that of the images that generated ones are built on, for the templates.
func (Values) ImagesVersion() string { return version.Image() }

// File is one that is to be written. Its name is its path in the folder.
type File struct {
	Name       string
	Content    []byte
	Executable bool
}

const folder, ending, parts = "templates", ".tmpl", "parts.tmpl"

//go:embed templates
var templates embed.FS

// Files are those of an autoscaler, by their names. The values have to be valid.
func (v Values) Files() ([]File, error) {
	common, own := path.Join(folder, "common"), path.Join(folder, v.Language)
	parsed, err := template.New("").Funcs(template.FuncMap{"yaml": quoted}).ParseFS(templates, common+"/*"+ending, own+"/*"+ending)
	if err != nil {
		return nil, fmt.Errorf("reading the templates of %s: %w", v.Language, err)
	}
	files := []File{{Name: "config.schema.json", Content: config.Schema()}}
	for _, from := range []string{common, own} {
		entries, err := fs.ReadDir(templates, from)
		if err != nil {
			return nil, fmt.Errorf("reading the templates of %s: %w", v.Language, err)
		}
		for _, entry := range entries {
			if entry.Name() == parts {
				continue
			}
			file, err := v.file(parsed, path.Join(from, entry.Name()))
			if err != nil {
				return nil, fmt.Errorf("making %s of %s: %w", entry.Name(), v.Language, err)
			}
			files = append(files, file)
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// file is one, with the values filled in. A script says by its first two letters that it is one.
func (v Values) file(parsed *template.Template, from string) (File, error) {
	name, isTemplate := strings.CutSuffix(path.Base(from), ending)
	if !isTemplate {
		content, err := templates.ReadFile(from)
		return File{name, content, strings.HasPrefix(string(content), "#!")}, err
	}
	var content strings.Builder
	err := parsed.ExecuteTemplate(&content, name+ending, v)
	return File{Name: name, Content: []byte(content.String())}, err
}

// quoted is a text as YAML has it: with quotes where it would be something else without, as a number.
func quoted(text string) (string, error) {
	written, err := yaml.Marshal(text)
	return strings.TrimSpace(string(written)), err
}
