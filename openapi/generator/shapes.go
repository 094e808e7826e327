package main

import (
	"bytes"
	"fmt"
	"reflect"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// opaque are the types whose fields are private: whoever prints them knows what they hold.
var opaque = map[string]bool{
	"resource.Quantity":  true,
	"intstr.IntOrString": true,
	"v1.Time":            true,
	"v1.FieldsV1":        true,
}

// collectShapes tells the Go types a pod template is made of, by the names Go prints: the hash of a template is one of
// its printed form.
func collectShapes() (map[string]reflect.Type, error) {
	shapes := map[string]reflect.Type{}
	return shapes, collectShape(reflect.TypeFor[corev1.PodTemplateSpec](), shapes)
}

func collectShape(t reflect.Type, into map[string]reflect.Type) error {
	switch {
	case t.Name() == "" && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice):
		return collectShape(t.Elem(), into)
	case t.Name() == "" && t.Kind() == reflect.Map:
		if err := collectShape(t.Key(), into); err != nil {
			return err
		}
		return collectShape(t.Elem(), into)
	case t.PkgPath() == "" || opaque[t.String()]:
		return nil
	}
	if known, ok := into[t.String()]; ok {
		if known != t {
			return fmt.Errorf("two types are printed as %s: %s and %s", t, known.PkgPath(), t.PkgPath())
		}
		return nil
	}
	into[t.String()] = t
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if err := collectShape(t.Field(i).Type, into); err != nil {
				return err
			}
		}
	case reflect.Map:
		return collectShape(t.Elem(), into)
	case reflect.Slice:
		return collectShape(t.Elem(), into)
	}
	return nil
}

// writeShapes writes one field a line.
func writeShapes(release string, shapes map[string]reflect.Type) []byte {
	names := make([]string, 0, len(shapes))
	for name := range shapes {
		names = append(names, name)
	}
	sort.Strings(names)
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"kubernetes\": %s,\n  \"types\": {\n", quote(release))
	for i, name := range names {
		fmt.Fprintf(&out, "    %s: %s%s", quote(name), shapeText(shapes[name]), comma(i, len(names)))
	}
	out.WriteString("  }\n}\n")
	return out.Bytes()
}

func shapeText(t reflect.Type) string {
	if t.Kind() != reflect.Struct {
		return quote(underlying(t))
	}
	lines := make([]string, t.NumField())
	for i := range lines {
		field := t.Field(i)
		json, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		lines[i] = "      " + quoteAll([]string{field.Name, field.Type.String(), json})
	}
	return "[\n" + strings.Join(lines, ",\n") + "\n    ]"
}

// underlying is the type a named one is of.
func underlying(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Map:
		return fmt.Sprintf("map[%s]%s", t.Key(), t.Elem())
	case reflect.Slice:
		return "[]" + t.Elem().String()
	}
	return t.Kind().String()
}
