package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	. "kubemu.io/test/clients/objects"
	. "kubemu.io/test/clients/scenario"
)

func containersOf(deployment *appsv1.Deployment) []corev1.Container {
	return deployment.Spec.Template.Spec.Containers
}

func (s *suite) patches() error {
	deployment := place(s, NewDeployment("patched", 0))
	deployment.Spec.Template.Spec.Containers = append(containersOf(deployment),
		corev1.Container{Name: "side", Image: "busybox:1"})
	if err := s.client.Create(s.ctx, deployment); err != nil {
		return err
	}
	before := client.StrategicMergeFrom(deployment.DeepCopy())
	containersOf(deployment)[0].Image = "nginx:2"
	if err := s.client.Patch(s.ctx, deployment, before); err != nil {
		return err
	}
	if got := containersOf(deployment); len(got) != 2 || got[0].Image != "nginx:2" || got[1].Image != "busybox:1" {
		return fmt.Errorf("after the strategic merge patch: %v", got)
	}
	raw := client.RawPatch(types.JSONPatchType, []byte(
		`[{"op":"replace","path":"/spec/template/spec/containers/1/image","value":"busybox:2"}]`))
	if err := s.client.Patch(s.ctx, deployment, raw); err != nil {
		return err
	}
	if got := containersOf(deployment); got[1].Image != "busybox:2" {
		return fmt.Errorf("after the JSON patch: %v", got)
	}
	before = client.MergeFrom(deployment.DeepCopy())
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "only", Image: "nginx:3"}}
	if err := s.client.Patch(s.ctx, deployment, before); err != nil {
		return err
	}
	if got := containersOf(deployment); len(got) != 1 || got[0].Name != "only" {
		return fmt.Errorf("after the merge patch: %v", got)
	}
	stale := deployment.DeepCopy()
	stale.ResourceVersion = "1"
	optimistic := client.MergeFromWithOptions(stale.DeepCopy(), client.MergeFromWithOptimisticLock{})
	stale.Spec.MinReadySeconds = 7
	if err := s.client.Patch(s.ctx, stale, optimistic); !apierrors.IsConflict(err) {
		return fmt.Errorf("a stale patch: %v", err)
	}
	failing := client.RawPatch(types.JSONPatchType, []byte(`[{"op":"test","path":"/metadata/name","value":"other"}]`))
	err := s.client.Patch(s.ctx, deployment, failing)
	return Expect(apierrors.IsInvalid(err), "a failing test: %v", err)
}

func (s *suite) apply() error {
	apply := func(manager string, data map[string]string, options ...client.ApplyOption) error {
		wanted := coreapply.ConfigMap("applied", s.namespace).WithData(data)
		return s.client.Apply(s.ctx, wanted, append(options, client.FieldOwner(manager))...)
	}
	read := func() (map[string]string, error) {
		var object corev1.ConfigMap
		err := s.client.Get(s.ctx, client.ObjectKey{Namespace: s.namespace, Name: "applied"}, &object)
		return object.Data, err
	}
	if err := apply("one", map[string]string{"color": "blue", "size": "s"}); err != nil {
		return err
	}
	err := apply("two", map[string]string{"color": "red"})
	var status *apierrors.StatusError
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || len(status.ErrStatus.Details.Causes) != 1 {
		return fmt.Errorf("a conflict: %v", err)
	}
	cause := status.ErrStatus.Details.Causes[0]
	if cause.Type != metav1.CauseTypeFieldManagerConflict || cause.Field != ".data.color" ||
		!strings.Contains(cause.Message, `"one"`) {
		return fmt.Errorf("the cause is %v", cause)
	}
	if err := apply("two", map[string]string{"color": "red"}, client.ForceOwnership); err != nil {
		return err
	}
	if data, err := read(); err != nil || !reflect.DeepEqual(data, map[string]string{"color": "red", "size": "s"}) {
		return fmt.Errorf("after force: %v, %w", data, err)
	}
	if err := apply("one", map[string]string{"color": "red"}); err != nil {
		return err
	}
	data, err := read()
	return Expect(err == nil && reflect.DeepEqual(data, map[string]string{"color": "red"}),
		"a dropped field stays: %v, %v", data, err)
}

func (s *suite) errors() error {
	var read corev1.ConfigMap
	err := s.client.Get(s.ctx, client.ObjectKey{Namespace: s.namespace, Name: "missing"}, &read)
	if !apierrors.IsNotFound(err) || client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("a missing object: %v", err)
	}
	object := place(s, NewConfigMap("errors"))
	if err := s.client.Create(s.ctx, object); err != nil {
		return err
	}
	if err := s.client.Create(s.ctx, place(s, NewConfigMap("errors"))); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a second create: %v", err)
	}
	stale := object.DeepCopy()
	object.Data["key"] = "new"
	if err := s.client.Update(s.ctx, object); err != nil {
		return err
	}
	stale.Data["key"] = "other"
	if err := s.client.Update(s.ctx, stale); !apierrors.IsConflict(err) {
		return fmt.Errorf("a stale update: %v", err)
	}
	bad := place(s, NewPod("Not_A_Name"))
	bad.Spec.Containers[0].Image = ""
	err = s.client.Create(s.ctx, bad)
	var status *apierrors.StatusError
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) {
		return fmt.Errorf("an invalid pod: %v", err)
	}
	fields := map[string]bool{}
	for _, cause := range status.ErrStatus.Details.Causes {
		fields[cause.Field] = true
	}
	if !fields["metadata.name"] || !fields["spec.containers[0].image"] {
		return fmt.Errorf("the causes are of %v", fields)
	}
	unknown := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "x", "namespace": s.namespace},
		"colour": "blue",
	}}
	strict := client.WithFieldValidation(s.client, metav1.FieldValidationStrict)
	err = strict.Create(s.ctx, unknown)
	return Expect(apierrors.IsBadRequest(err), "an unknown field: %v", err)
}

func (s *suite) maximalPod() error {
	text, err := os.ReadFile(os.Getenv("KUBEMU_POD"))
	if err != nil {
		return err
	}
	loose := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, &loose.Object); err != nil {
		return err
	}
	loose.SetNamespace(s.namespace)
	if err := s.client.Create(s.ctx, loose); err != nil {
		return err
	}
	typed := &corev1.Pod{}
	key := client.ObjectKeyFromObject(loose)
	if err := s.client.Get(s.ctx, key, typed); err != nil {
		return err
	}
	if err := s.client.Get(s.ctx, key, loose); err != nil {
		return err
	}
	encoded, err := json.Marshal(typed)
	if err != nil {
		return err
	}
	var written map[string]any
	if err := json.Unmarshal(encoded, &written); err != nil {
		return err
	}
	stored, err := json.Marshal(loose.Object)
	if err != nil {
		return err
	}
	var wanted map[string]any
	if err := json.Unmarshal(stored, &wanted); err != nil {
		return err
	}
	for _, field := range []string{"metadata", "spec", "status"} {
		if !reflect.DeepEqual(written[field], wanted[field]) {
			return fmt.Errorf("%s is stored as %v, read as %v", field, wanted[field], written[field])
		}
	}
	return nil
}
