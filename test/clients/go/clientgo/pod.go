package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	. "kubemu.io/test/clients/scenario"
)

// maximalPod creates the pod from its file as it stands, and reads it through protobuf and through JSON.
func (s *suite) maximalPod() error {
	text, err := os.ReadFile(os.Getenv("KUBEMU_POD"))
	if err != nil {
		return err
	}
	body := s.json.CoreV1().RESTClient().Post().Namespace(s.namespace).Resource("pods").Body(text)
	created, err := body.SetHeader("Content-Type", "application/json").DoRaw(s.ctx)
	if err != nil {
		return err
	}
	var pod corev1.Pod
	if err := json.Unmarshal(created, &pod); err != nil {
		return err
	}
	get := s.json.CoreV1().RESTClient().Get().Namespace(s.namespace).Resource("pods").Name(pod.Name)
	stored, err := get.DoRaw(s.ctx)
	if err != nil {
		return err
	}
	asJSON, err := s.json.CoreV1().Pods(s.namespace).Get(s.ctx, pod.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	asProtobuf, err := s.client.CoreV1().Pods(s.namespace).Get(s.ctx, pod.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := sameJSON("through JSON", stored, asJSON); err != nil {
		return err
	}
	if err := sameJSON("through protobuf", stored, asProtobuf); err != nil {
		return err
	}
	copied := asProtobuf.DeepCopy()
	copied.ObjectMeta = metav1.ObjectMeta{Name: "maximal-copy", Labels: copied.Labels, Annotations: copied.Annotations}
	again, err := s.client.CoreV1().Pods(s.namespace).Create(s.ctx, copied, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return Expect(reflect.DeepEqual(again.Spec, asProtobuf.Spec), "the spec differs after a create in protobuf")
}

func sameJSON(what string, stored []byte, pod *corev1.Pod) error {
	pod.TypeMeta = metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}
	encoded, err := json.Marshal(pod)
	if err != nil {
		return err
	}
	var left, right map[string]any
	if err := json.Unmarshal(stored, &left); err != nil {
		return err
	}
	if err := json.Unmarshal(encoded, &right); err != nil {
		return err
	}
	return Expect(reflect.DeepEqual(left, right), "%s: %s", what, firstDifference("", left, right))
}

func firstDifference(path string, left, right any) string {
	leftMap, leftIsMap := left.(map[string]any)
	rightMap, rightIsMap := right.(map[string]any)
	if leftIsMap && rightIsMap {
		for key := range leftMap {
			if found := firstDifference(path+"."+key, leftMap[key], rightMap[key]); found != "" {
				return found
			}
		}
		for key := range rightMap {
			if _, has := leftMap[key]; !has {
				return fmt.Sprintf("%s.%s is only there for the library", path, key)
			}
		}
		return ""
	}
	if reflect.DeepEqual(left, right) {
		return ""
	}
	return fmt.Sprintf("%s is stored as %v, read as %v", path, left, right)
}
