// Command generator writes the facts about Kubernetes' built-in types and resources that kubemu derives everything from.
// See README.md. The shape of the output is documented in ../facts/schema.ts.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "../facts", "folder to write the facts to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "generator:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	modules, err := listModules()
	if err != nil {
		return err
	}
	sources, err := readSources(modules)
	if err != nil {
		return err
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	types, err := collectTypes(scheme, sources)
	if err != nil {
		return err
	}
	resources, err := collectResources(scheme, sources)
	if err != nil {
		return err
	}
	shapes, err := collectShapes()
	if err != nil {
		return err
	}
	release := kubernetesRelease(modules)
	files := map[string][]byte{
		"types.json":          writeTypes(release, modules, types),
		"resources.json":      writeResources(release, resources),
		"template-shape.json": writeShapes(release, shapes),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
