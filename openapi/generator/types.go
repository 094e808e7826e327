package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type typeFacts struct {
	packagePath   string
	fields        []fieldFacts
	special       string
	structType    string
	markers       []string
	gvks          []schema.GroupVersionKind
	protobufItems string
}

type fieldFacts struct {
	json          string
	inline        bool
	expression    string
	number        int
	wire          string
	pointer       bool
	omit          string
	required      bool
	nullable      bool
	listType      string
	listMapKeys   []string
	mapType       string
	patchStrategy []string
	patchMergeKey string
	enum          []string
	defaultValue  json.RawMessage
	format        string
	markers       []string
}

// specials are the types whose JSON is not their Go struct, with the format OpenAPI gives them.
var specials = map[string][2]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         {"quantity", ""},
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             {"time", "date-time"},
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        {"microtime", "date-time"},
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         {"duration", ""},
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         {"fields-v1", ""},
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       {"int-or-string", "int-or-string"},
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          {"raw-extension", ""},
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         {"json", ""},
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       {"json-schema-props-or-array", ""},
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        {"json-schema-props-or-bool", ""},
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": {"json-schema-props-or-string-array", ""},
}

// codegenMarkers say nothing about the data.
var codegenMarkers = []string{
	"optional", "required", "k8s:optional", "k8s:required", "nullable", "listType", "k8s:listType", "listMapKey", "k8s:listMapKey",
	"mapType", "structType", "patchStrategy", "patchMergeKey", "default", "enum", "k8s:enum", "genclient", "k8s:deepcopy-gen",
	"k8s:conversion-gen", "k8s:defaulter-gen", "k8s:openapi-gen", "protobuf", "k8s:prerelease-lifecycle-gen",
	"k8s:openapi-model-package", "k8s:validation-gen", "k8s:protobuf-gen",
}

type collector struct {
	sources *sourceSet
	types   map[string]*typeFacts
}

// collectTypes walks everything reachable from the kinds of the scheme.
func collectTypes(scheme *runtime.Scheme, sources *sourceSet) (map[string]*typeFacts, error) {
	c := &collector{sources: sources, types: map[string]*typeFacts{}}
	for gvk, goType := range scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal {
			continue
		}
		if err := c.add(goType); err != nil {
			return nil, err
		}
		// The machinery's own kinds are registered in every group; they belong to none.
		if goType.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" && gvk.Group != "meta.k8s.io" && gvk.Group != "" {
			continue
		}
		facts := c.types[definitionName(goType.PkgPath(), goType.Name())]
		facts.gvks = append(facts.gvks, gvk)
	}
	for _, value := range metaTypes {
		if err := c.add(reflect.TypeOf(value)); err != nil {
			return nil, err
		}
	}
	for _, facts := range c.types {
		sort.Slice(facts.gvks, func(i, j int) bool { return facts.gvks[i].String() < facts.gvks[j].String() })
	}
	return c.types, nil
}

func (c *collector) source(t reflect.Type) *sourceType {
	if source := c.sources.types[t.PkgPath()][t.Name()]; source != nil {
		return source
	}
	return &sourceType{}
}

func (c *collector) add(t reflect.Type) error {
	name := definitionName(t.PkgPath(), t.Name())
	if c.types[name] != nil {
		return nil
	}
	source := c.source(t)
	facts := &typeFacts{packagePath: t.PkgPath(), markers: remainingMarkers(source.markers)}
	c.types[name] = facts
	facts.structType, _ = marker(source.markers, "structType")
	if special, ok := specials[t.PkgPath()+"."+t.Name()]; ok {
		facts.special = special[0]
		return c.addChildren(t)
	}
	if t.Kind() == reflect.Slice {
		expression, _, err := c.expression(t.Elem())
		facts.protobufItems = expression
		return err
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() || strings.HasPrefix(field.Tag.Get("json"), "-") {
			continue
		}
		described, err := c.field(t, field, source.fields[field.Name])
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, field.Name, err)
		}
		facts.fields = append(facts.fields, described)
	}
	return nil
}

// addChildren collects the types a special type holds (JSONSchemaProps).
func (c *collector) addChildren(t reflect.Type) error {
	if t.Kind() != reflect.Struct || !strings.HasPrefix(t.Name(), "JSONSchema") {
		return nil
	}
	for i := range t.NumField() {
		if _, _, err := c.expression(t.Field(i).Type); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) field(owner reflect.Type, field reflect.StructField, markers []string) (fieldFacts, error) {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	facts := fieldFacts{json: name, inline: field.Anonymous && name == ""}
	if facts.inline {
		facts.json = ""
	} else if name == "" {
		// As encoding/json does: fields without a tag go by their Go name.
		facts.json = field.Name
	}
	expression, format, err := c.expression(field.Type)
	if err != nil {
		return facts, err
	}
	facts.expression, facts.format = expression, format
	facts.pointer = field.Type.Kind() == reflect.Pointer
	if strings.Contains(options, "omitzero") {
		facts.omit = "zero"
	} else if strings.Contains(options, "omitempty") {
		facts.omit = "empty"
	}
	if tag := field.Tag.Get("protobuf"); tag != "" {
		parts := strings.Split(tag, ",")
		facts.wire = parts[0]
		if facts.number, err = strconv.Atoi(parts[1]); err != nil {
			return facts, err
		}
	}
	if strategy := field.Tag.Get("patchStrategy"); strategy != "" {
		facts.patchStrategy = strings.Split(strategy, ",")
	}
	facts.patchMergeKey = field.Tag.Get("patchMergeKey")
	c.applyMarkers(&facts, owner, field.Type, markers)
	return facts, nil
}

func (c *collector) applyMarkers(facts *fieldFacts, owner, fieldType reflect.Type, markers []string) {
	_, optional := marker(markers, "optional", "k8s:optional")
	_, required := marker(markers, "required", "k8s:required", "kubebuilder:validation:Required")
	facts.required = !facts.inline && (required || (facts.omit == "" && !optional))
	_, facts.nullable = marker(markers, "nullable")
	facts.listType, _ = marker(markers, "listType", "k8s:listType")
	facts.listMapKeys = unique(markerValues(markers, "listMapKey", "k8s:listMapKey"))
	facts.mapType, _ = marker(markers, "mapType")
	if structType, ok := marker(markers, "structType"); ok {
		facts.mapType = structType
	}
	if value, ok := marker(markers, "default", "kubebuilder:default"); ok {
		facts.defaultValue = c.defaultOf(owner.PkgPath(), value)
	}
	element := fieldType
	for element.Name() == "" && (element.Kind() == reflect.Pointer || element.Kind() == reflect.Slice || element.Kind() == reflect.Map) {
		element = element.Elem()
	}
	facts.enum = c.sources.enumOf(element.PkgPath(), element.Name())
	facts.markers = remainingMarkers(markers)
}

// defaultOf reads the value of a default marker: JSON, or a reference to a constant.
func (c *collector) defaultOf(packagePath, value string) json.RawMessage {
	if reference, ok := strings.CutPrefix(value, "ref("); ok {
		reference = strings.TrimSuffix(reference, ")")
		if dot := strings.LastIndex(reference, "."); dot >= 0 {
			packagePath, reference = reference[:dot], reference[dot+1:]
		}
		value = c.sources.constants[packagePath][reference]
	}
	if !json.Valid([]byte(value)) {
		quoted, _ := json.Marshal(value)
		return quoted
	}
	return json.RawMessage(value)
}

func remainingMarkers(markers []string) []string {
	var kept []string
	for _, line := range markers {
		name, _, _ := strings.Cut(line, "=")
		skip := false
		for _, known := range codegenMarkers {
			skip = skip || name == known || strings.HasPrefix(name, known+".") || strings.HasPrefix(name, known+":")
		}
		if !skip {
			kept = append(kept, line)
		}
	}
	return kept
}

func unique(values []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, value := range values {
		if !seen[value] {
			seen[value] = true
			kept = append(kept, value)
		}
	}
	return kept
}

// expression writes a Go type in the grammar of the facts and gives the OpenAPI format of scalars.
func (c *collector) expression(t reflect.Type) (string, string, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	qualified := t.PkgPath() + "." + t.Name()
	if special, ok := specials[qualified]; ok {
		return definitionName(t.PkgPath(), t.Name()), special[1], c.add(t)
	}
	switch t.Kind() {
	case reflect.String:
		return "string", "", nil
	case reflect.Bool:
		return "bool", "", nil
	case reflect.Int32:
		return "int32", "int32", nil
	case reflect.Int64, reflect.Int:
		return "int64", "int64", nil
	case reflect.Uint32:
		return "uint32", "int64", nil
	case reflect.Uint64:
		return "uint64", "int64", nil
	case reflect.Float64:
		return "double", "double", nil
	case reflect.Interface:
		return "any", "", nil
	case reflect.Struct:
		return definitionName(t.PkgPath(), t.Name()), "", c.add(t)
	case reflect.Slice:
		return c.sliceExpression(t)
	case reflect.Map:
		values, _, err := c.expression(t.Elem())
		return "map[string]" + values, "", err
	}
	return "", "", fmt.Errorf("no expression for %s", t)
}

func (c *collector) sliceExpression(t reflect.Type) (string, string, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		return "bytes", "byte", nil
	}
	if t.Name() != "" {
		if _, ok := marker(c.source(t).markers, "protobuf.nullable"); ok {
			return definitionName(t.PkgPath(), t.Name()), "", c.add(t)
		}
	}
	items, _, err := c.expression(t.Elem())
	return "[]" + items, "", err
}
