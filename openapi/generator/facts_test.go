package main

import (
	"strings"
	"testing"
)

// generate collects the facts as the command does.
func generate(t *testing.T) map[string]*typeFacts {
	t.Helper()
	modules, err := listModules()
	if err != nil {
		t.Fatal(err)
	}
	sources, err := readSources(modules)
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	types, err := collectTypes(scheme, sources)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestFacts(t *testing.T) {
	types := generate(t)
	tests := []struct{ typeName, field, want string }{
		{"io.k8s.api.core.v1.Pod", "spec", `"number": 2`},
		{"io.k8s.api.core.v1.Container", "ports", `"listMapKeys": ["containerPort", "protocol"]`},
		{"io.k8s.api.core.v1.Container", "ports", `"patchMergeKey": "containerPort"`},
		{"io.k8s.api.core.v1.Container", "env", `"patchMergeKey": "name"`},
		{"io.k8s.api.core.v1.Container", "name", `"required": true`},
		{"io.k8s.api.core.v1.PodSpec", "restartPolicy", `"enum": ["Always", "Never", "OnFailure"]`},
		{"io.k8s.api.core.v1.PodSpec", "volumes", `"patchStrategy": ["merge", "retainKeys"]`},
		{"io.k8s.api.core.v1.PersistentVolumeClaimSpec", "storageClassName", `"pointer": true`},
		{"io.k8s.api.core.v1.ServiceSpec", "clusterIP", `"number": 3`},
		{"io.k8s.api.core.v1.ContainerPort", "protocol", `"default": "TCP"`},
		{"io.k8s.api.core.v1.NodeStatus", "nodeInfo", `"number": 7`},
		{"io.k8s.api.apps.v1.DeploymentSpec", "strategy", `"patchStrategy": ["retainKeys"]`},
		{"io.k8s.api.apps.v1.DeploymentSpec", "replicas", `"pointer": true`},
		{"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", `"number": 8`},
		{"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "finalizers", `"patchStrategy": ["merge"]`},
		{"io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", "preconditions", `"number": 2`},
		{"io.k8s.apimachinery.pkg.apis.meta.v1.Status", "code", `"type": "int32"`},
		{"io.k8s.api.core.v1.LocalObjectReference", "name", `"default": ""`},
		{"io.k8s.api.authentication.v1.UserInfo", "extra", `"type": "map[string]io.k8s.api.authentication.v1.ExtraValue"`},
	}
	for _, test := range tests {
		t.Run(test.typeName+"."+test.field, func(t *testing.T) {
			for _, field := range types[test.typeName].fields {
				if field.json == test.field {
					if line := fieldLine(field).String(); !strings.Contains(line, test.want) {
						t.Fatalf("%s lacks %s", line, test.want)
					}
					return
				}
			}
			t.Fatal("no such field")
		})
	}
	if got := types["io.k8s.apimachinery.pkg.api.resource.Quantity"].special; got != "quantity" {
		t.Fatalf("Quantity is %q", got)
	}
	if got := types["io.k8s.api.authentication.v1.ExtraValue"].protobufItems; got != "string" {
		t.Fatalf("ExtraValue holds %q", got)
	}
	if probe := types["io.k8s.api.core.v1.Probe"].fields[0]; !probe.inline || probe.number != 1 {
		t.Fatalf("the handler of Probe is %s", fieldLine(probe))
	}
}

func TestNoProse(t *testing.T) {
	for name, facts := range generate(t) {
		for _, field := range facts.fields {
			for _, line := range field.markers {
				if strings.Count(line, " ") > 12 {
					t.Errorf("%s.%s: marker reads like prose: %s", name, field.json, line)
				}
			}
		}
	}
}
