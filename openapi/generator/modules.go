package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// moduleNames are the official modules that are read.
var moduleNames = []string{
	"k8s.io/api",
	"k8s.io/apiextensions-apiserver",
	"k8s.io/apimachinery",
	"k8s.io/kube-aggregator",
	"k8s.io/metrics",
}

type module struct {
	Path    string
	Version string
	Dir     string
}

// listModules asks the go command where the pinned modules lie.
func listModules() ([]module, error) {
	modules := make([]module, 0, len(moduleNames))
	for _, name := range moduleNames {
		output, err := exec.Command("go", "list", "-m", "-json", name).Output()
		if err != nil {
			return nil, fmt.Errorf("go list -m %s: %w", name, err)
		}
		var found module
		if err := json.Unmarshal(output, &found); err != nil {
			return nil, err
		}
		modules = append(modules, found)
	}
	return modules, nil
}

// kubernetesRelease turns the version of k8s.io/api (v0.36.2) into Kubernetes' own (1.36.2).
func kubernetesRelease(modules []module) string {
	return "1." + strings.TrimPrefix(modules[0].Version, "v0.")
}

// definitionName is the name OpenAPI gives a Go type.
func definitionName(packagePath, typeName string) string {
	return "io.k8s." + strings.ReplaceAll(strings.TrimPrefix(packagePath, "k8s.io/"), "/", ".") + "." + typeName
}
