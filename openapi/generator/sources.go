package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// sourceType is what only the source says of a type: its markers, those of its fields, and its constants.
type sourceType struct {
	markers   []string
	fields    map[string][]string
	constants []string
}

// sourceSet holds every type by package path and name, and every literal constant.
type sourceSet struct {
	types     map[string]map[string]*sourceType
	constants map[string]map[string]string
}

// readSources parses the packages of the modules, tests and generated files aside.
func readSources(modules []module) (*sourceSet, error) {
	sources := &sourceSet{types: map[string]map[string]*sourceType{}, constants: map[string]map[string]string{}}
	for _, module := range modules {
		err := filepath.WalkDir(module.Dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			if entry.Name() == "testdata" || entry.Name() == "testing" {
				return filepath.SkipDir
			}
			relative, err := filepath.Rel(module.Dir, path)
			if err != nil {
				return err
			}
			return sources.readPackage(filepath.ToSlash(filepath.Join(module.Path, relative)), path)
		})
		if err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func (s *sourceSet) readPackage(packagePath, dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		base := filepath.Base(name)
		if strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "zz_generated") || strings.HasPrefix(base, "generated") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		s.readFile(packagePath, file)
	}
	return nil
}

func (s *sourceSet) readFile(packagePath string, file *ast.File) {
	previousEnd := file.Name.End()
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if ok && general.Tok == token.TYPE {
			markers := markersBetween(file.Comments, previousEnd, general.Pos())
			for _, spec := range general.Specs {
				s.readType(packagePath, spec.(*ast.TypeSpec), markers)
			}
		}
		if ok && general.Tok == token.CONST {
			for _, spec := range general.Specs {
				s.readConstant(packagePath, spec.(*ast.ValueSpec))
			}
		}
		previousEnd = declaration.End()
	}
}

func (s *sourceSet) typeOf(packagePath, name string) *sourceType {
	if s.types[packagePath] == nil {
		s.types[packagePath] = map[string]*sourceType{}
	}
	if s.types[packagePath][name] == nil {
		s.types[packagePath][name] = &sourceType{fields: map[string][]string{}}
	}
	return s.types[packagePath][name]
}

func (s *sourceSet) readType(packagePath string, spec *ast.TypeSpec, markers []string) {
	target := s.typeOf(packagePath, spec.Name.Name)
	target.markers = append(markers, markersOf(spec.Doc)...)
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		for _, name := range fieldNames(field) {
			target.fields[name] = markersOf(field.Doc)
		}
	}
}

// fieldNames of an embedded field is the name of its type.
func fieldNames(field *ast.Field) []string {
	if len(field.Names) == 0 {
		expression := field.Type
		if star, ok := expression.(*ast.StarExpr); ok {
			expression = star.X
		}
		if selector, ok := expression.(*ast.SelectorExpr); ok {
			return []string{selector.Sel.Name}
		}
		if identifier, ok := expression.(*ast.Ident); ok {
			return []string{identifier.Name}
		}
	}
	names := make([]string, 0, len(field.Names))
	for _, name := range field.Names {
		names = append(names, name.Name)
	}
	return names
}

func (s *sourceSet) readConstant(packagePath string, spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		if i >= len(spec.Values) {
			continue
		}
		literal, ok := spec.Values[i].(*ast.BasicLit)
		if !ok {
			continue
		}
		if s.constants[packagePath] == nil {
			s.constants[packagePath] = map[string]string{}
		}
		s.constants[packagePath][name.Name] = literal.Value
		typeName, ok := spec.Type.(*ast.Ident)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		if value, err := strconv.Unquote(literal.Value); err == nil {
			target := s.typeOf(packagePath, typeName.Name)
			target.constants = append(target.constants, value)
		}
	}
}

// markersBetween collects the markers of every comment from one declaration to the next, blank lines or not.
func markersBetween(groups []*ast.CommentGroup, from, to token.Pos) []string {
	var markers []string
	for _, group := range groups {
		if group.Pos() >= from && group.End() <= to {
			markers = append(markers, markersOf(group)...)
		}
	}
	return markers
}

// markersOf returns the lines of a comment that begin with a plus, without it.
func markersOf(group *ast.CommentGroup) []string {
	if group == nil {
		return nil
	}
	var markers []string
	for _, comment := range group.List {
		for _, line := range strings.Split(strings.TrimPrefix(comment.Text, "//"), "\n") {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "+") && len(line) > 1 && line[1] != ' ' {
				markers = append(markers, line[1:])
			}
		}
	}
	return markers
}

// marker returns the value of the first marker with this name and whether there is one.
func marker(markers []string, names ...string) (string, bool) {
	for _, line := range markers {
		name, value, _ := strings.Cut(line, "=")
		for _, wanted := range names {
			if name == wanted {
				return strings.TrimSpace(value), true
			}
		}
	}
	return "", false
}

func markerValues(markers []string, names ...string) []string {
	var values []string
	for _, line := range markers {
		name, value, _ := strings.Cut(line, "=")
		for _, wanted := range names {
			if name == wanted {
				values = append(values, strings.Trim(strings.TrimSpace(value), `"`))
			}
		}
	}
	return values
}

// enumOf returns the values of a type that is marked as an enumeration.
func (s *sourceSet) enumOf(packagePath, typeName string) []string {
	source := s.types[packagePath][typeName]
	if source == nil {
		return nil
	}
	if _, ok := marker(source.markers, "enum", "k8s:enum"); !ok {
		return nil
	}
	unique := map[string]bool{}
	var values []string
	for _, value := range source.constants {
		if !unique[value] {
			unique[value] = true
			values = append(values, value)
		}
	}
	sort.Strings(values)
	return values
}
