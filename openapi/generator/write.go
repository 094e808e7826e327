package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// pairs builds one JSON object on one line, leaving out what is empty.
type pairs struct {
	parts []string
}

func (p *pairs) raw(key, value string) { p.parts = append(p.parts, fmt.Sprintf("%q: %s", key, value)) }

func (p *pairs) text(key, value string) {
	if value != "" {
		p.raw(key, quote(value))
	}
}

func (p *pairs) flag(key string, value bool) {
	if value {
		p.raw(key, "true")
	}
}

func (p *pairs) texts(key string, values []string) {
	if len(values) > 0 {
		p.raw(key, quoteAll(values))
	}
}

func (p *pairs) String() string { return "{ " + strings.Join(p.parts, ", ") + " }" }

func quote(value string) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSpace(buffer.String())
}

func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = quote(value)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// writeTypes writes one field a line, so that a change of one fact is a change of one line.
func writeTypes(release string, modules []module, types map[string]*typeFacts) []byte {
	var out bytes.Buffer
	versions := &pairs{}
	for _, module := range modules {
		versions.text(module.Path, module.Version)
	}
	fmt.Fprintf(&out, "{\n  \"kubernetes\": %s,\n  \"modules\": %s,\n  \"types\": {\n", quote(release), versions)
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		writeType(&out, name, types[name])
		out.WriteString(comma(i, len(names)))
	}
	out.WriteString("  }\n}\n")
	return out.Bytes()
}

func comma(index, length int) string {
	if index < length-1 {
		return ",\n"
	}
	return "\n"
}

func writeType(out *bytes.Buffer, name string, facts *typeFacts) {
	head := &pairs{}
	head.text("package", facts.packagePath)
	head.text("special", facts.special)
	head.text("structType", facts.structType)
	head.texts("markers", facts.markers)
	head.text("protobufItems", facts.protobufItems)
	if len(facts.gvks) > 0 {
		kinds := make([]string, len(facts.gvks))
		for i, gvk := range facts.gvks {
			kinds[i] = fmt.Sprintf(`{ "group": %q, "version": %q, "kind": %q }`, gvk.Group, gvk.Version, gvk.Kind)
		}
		head.raw("gvk", "["+strings.Join(kinds, ", ")+"]")
	}
	if len(facts.fields) == 0 {
		head.raw("fields", "[]")
		fmt.Fprintf(out, "    %s: %s", quote(name), head)
		return
	}
	fmt.Fprintf(out, "    %s: {\n      %s,\n      \"fields\": [\n", quote(name), strings.Join(head.parts, ", "))
	for i, field := range facts.fields {
		fmt.Fprintf(out, "        %s%s", fieldLine(field), comma(i, len(facts.fields)))
	}
	out.WriteString("      ]\n    }")
}

func fieldLine(field fieldFacts) *pairs {
	line := &pairs{}
	line.text("json", field.json)
	line.flag("inline", field.inline)
	line.text("type", field.expression)
	if field.number > 0 {
		line.raw("number", fmt.Sprint(field.number))
	}
	line.text("wire", field.wire)
	line.flag("pointer", field.pointer)
	line.text("omit", field.omit)
	line.flag("required", field.required)
	line.flag("nullable", field.nullable)
	line.text("listType", field.listType)
	line.texts("listMapKeys", field.listMapKeys)
	line.text("mapType", field.mapType)
	line.texts("patchStrategy", field.patchStrategy)
	line.text("patchMergeKey", field.patchMergeKey)
	line.texts("enum", field.enum)
	if field.defaultValue != nil {
		line.raw("default", string(field.defaultValue))
	}
	line.text("format", field.format)
	line.texts("markers", field.markers)
	return line
}

func writeResources(release string, groups []groupFacts) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"kubernetes\": %s,\n  \"groups\": [\n", quote(release))
	for i, group := range groups {
		fmt.Fprintf(&out, "    {\n      \"name\": %q,\n      \"versions\": %s,\n      \"resources\": [\n", group.name, quoteAll(group.versions))
		for j, resource := range group.resources {
			writeResource(&out, resource)
			out.WriteString(comma(j, len(group.resources)))
		}
		out.WriteString("      ]\n    }" + comma(i, len(groups)))
	}
	out.WriteString("  ]\n}\n")
	return out.Bytes()
}

func writeResource(out *bytes.Buffer, resource resourceFacts) {
	head := &pairs{}
	head.text("plural", resource.plural)
	head.text("singular", resource.singular)
	head.text("kind", resource.kind)
	head.text("listKind", resource.kind+"List")
	head.texts("shortNames", resource.shortNames)
	head.texts("categories", resource.categories)
	head.text("scope", resource.scope)
	if resource.storedGroup != nil {
		head.raw("storedAs", fmt.Sprintf(`{ "group": %q, "plural": %q }`, *resource.storedGroup, resource.plural))
	}
	fmt.Fprintf(out, "        {\n          %s,\n          \"verbs\": %s,\n          \"versions\": [\n", strings.Join(head.parts, ", "), quoteAll(resource.verbs))
	for i, version := range resource.versions {
		line := &pairs{}
		line.text("name", version.name)
		line.text("type", version.typeName)
		line.text("listType", version.listType)
		line.raw("served", fmt.Sprint(version.served))
		line.raw("storage", fmt.Sprint(version.storage))
		line.text("introduced", version.introduced)
		line.text("deprecated", version.deprecated)
		line.text("removed", version.removed)
		if version.replacement != nil {
			line.raw("replacement", fmt.Sprintf(`{ "group": %q, "version": %q, "kind": %q }`, version.replacement[0], version.replacement[1], version.replacement[2]))
		}
		fmt.Fprintf(out, "            %s%s", line, comma(i, len(resource.versions)))
	}
	out.WriteString("          ]")
	if len(resource.subresources) > 0 {
		out.WriteString(",\n          \"subresources\": [\n")
		for i, subresource := range resource.subresources {
			line := &pairs{}
			line.text("name", subresource.name)
			if subresource.kind != nil {
				line.raw("kind", fmt.Sprintf(`{ "group": %q, "version": %q, "kind": %q }`, subresource.kind[0], subresource.kind[1], subresource.kind[2]))
				line.text("type", subresource.typeName)
			}
			line.raw("verbs", quoteAll(subresource.verbs))
			fmt.Fprintf(out, "            %s%s", line, comma(i, len(resource.subresources)))
		}
		out.WriteString("          ]")
	}
	out.WriteString("\n        }")
}
