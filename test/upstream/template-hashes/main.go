// Command template-hashes reads a JSON list of pod templates with collision counts and writes the hashes that Kubernetes
// names replica sets by. test/golden/hashes/record.ts runs it.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/controller"
)

type question struct {
	Template       corev1.PodTemplateSpec `json:"template"`
	CollisionCount *int32                 `json:"collisionCount"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "template-hashes:", err)
		os.Exit(1)
	}
}

func run() error {
	var questions []question
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&questions); err != nil {
		return err
	}
	hashes := make([]string, len(questions))
	for i := range questions {
		template, err := asStored(&questions[i].Template)
		if err != nil {
			return err
		}
		hashes[i] = controller.ComputeHash(template, questions[i].CollisionCount)
	}
	return json.NewEncoder(os.Stdout).Encode(hashes)
}

// asStored gives a template as controllers see it, which read protobuf.
func asStored(template *corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error) {
	bytes, err := template.Marshal()
	if err != nil {
		return nil, err
	}
	stored := &corev1.PodTemplateSpec{}
	return stored, stored.Unmarshal(bytes)
}
