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
	out := flag.String("out", "../facts", "folder to write types.json and resources.json to")
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
	release := kubernetesRelease(modules)
	if err := os.WriteFile(filepath.Join(out, "types.json"), writeTypes(release, modules, types), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "resources.json"), writeResources(release, resources), 0o644)
}
