package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type groupFacts struct {
	name      string
	versions  []string
	resources []resourceFacts
}

type resourceFacts struct {
	plural, singular, kind, scope string
	shortNames, categories, verbs []string
	versions                      []versionFacts
	subresources                  []subresourceFacts
	storedGroup                   *string
}

type versionFacts struct {
	name, typeName, listType        string
	served, storage                 bool
	introduced, deprecated, removed string
	replacement                     *[3]string
}

type subresourceFacts struct {
	name     string
	kind     *[3]string
	typeName string
	verbs    []string
}

var gaVersion = regexp.MustCompile(`^v\d+$`)

// collectResources joins the table of resources with what the types say of their versions.
func collectResources(scheme *runtime.Scheme, sources *sourceSet) ([]groupFacts, error) {
	groups := make([]groupFacts, 0, len(resourceTable))
	for _, row := range resourceTable {
		group := groupFacts{name: row.group, versions: row.versions}
		for _, entry := range row.resources {
			resource, err := resolveResource(scheme, sources, row, entry)
			if err != nil {
				return nil, err
			}
			group.resources = append(group.resources, resource)
		}
		sort.Slice(group.resources, func(i, j int) bool { return group.resources[i].plural < group.resources[j].plural })
		groups = append(groups, group)
	}
	return groups, nil
}

func resolveResource(scheme *runtime.Scheme, sources *sourceSet, row groupRow, entry resourceRow) (resourceFacts, error) {
	resource := resourceFacts{
		plural: entry.plural, singular: strings.ToLower(entry.kind), kind: entry.kind, scope: "Namespaced",
		shortNames: entry.short, categories: entry.categories, verbs: entry.verbs,
	}
	if entry.cluster {
		resource.scope = "Cluster"
	}
	if resource.verbs == nil {
		resource.verbs = standardVerbs
	}
	if entry.storedInCore {
		core := ""
		resource.storedGroup = &core
	}
	storage := entry.storage
	for _, version := range row.versions {
		gvk := schema.GroupVersionKind{Group: row.group, Version: version, Kind: entry.kind}
		goType, ok := scheme.AllKnownTypes()[gvk]
		if !ok {
			continue
		}
		if storage == "" {
			storage = version
		}
		facts := versionFacts{
			name: version, typeName: definitionName(goType.PkgPath(), goType.Name()),
			served: gaVersion.MatchString(version), storage: version == storage,
		}
		if listType, ok := scheme.AllKnownTypes()[gvk.GroupVersion().WithKind(entry.kind+"List")]; ok {
			facts.listType = definitionName(listType.PkgPath(), listType.Name())
		}
		applyLifecycle(&facts, sources.types[goType.PkgPath()][goType.Name()])
		resource.versions = append(resource.versions, facts)
	}
	if len(resource.versions) == 0 {
		return resource, fmt.Errorf("no version of %s has %s", row.group, entry.kind)
	}
	for _, subresource := range entry.subresources {
		facts := subresourceFacts{name: subresource.name, verbs: subresource.verbs}
		if facts.verbs == nil {
			facts.verbs = []string{"get", "patch", "update"}
		}
		if subresource.kind[2] != "" {
			kind := subresource.kind
			facts.kind = &kind
			if goType, ok := scheme.AllKnownTypes()[schema.GroupVersionKind{Group: kind[0], Version: kind[1], Kind: kind[2]}]; ok {
				facts.typeName = definitionName(goType.PkgPath(), goType.Name())
			}
		}
		resource.subresources = append(resource.subresources, facts)
	}
	sort.Slice(resource.subresources, func(i, j int) bool { return resource.subresources[i].name < resource.subresources[j].name })
	return resource, nil
}

// applyLifecycle reads when a version came, was deprecated and goes, and what replaces it.
func applyLifecycle(facts *versionFacts, source *sourceType) {
	if source == nil {
		return
	}
	const prefix = "k8s:prerelease-lifecycle-gen:"
	facts.introduced, _ = marker(source.markers, prefix+"introduced")
	facts.deprecated, _ = marker(source.markers, prefix+"deprecated")
	facts.removed, _ = marker(source.markers, prefix+"removed")
	if value, ok := marker(source.markers, prefix+"replacement"); ok {
		if parts := strings.Split(value, ","); len(parts) == 3 {
			facts.replacement = &[3]string{parts[0], parts[1], parts[2]}
		}
	}
}
