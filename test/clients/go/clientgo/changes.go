package main

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"

	. "kubemu.io/test/clients/objects"
	. "kubemu.io/test/clients/scenario"
)

func (s *suite) generateName() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	names := map[string]bool{}
	for range 2 {
		object := NewConfigMap("")
		object.GenerateName = "made-"
		created, err := configMaps.Create(s.ctx, object, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		names[created.Name] = true
		if !strings.HasPrefix(created.Name, "made-") || len(created.Name) != len("made-")+5 {
			return fmt.Errorf("the name is %q", created.Name)
		}
	}
	return Expect(len(names) == 2, "both are called %v", names)
}

func (s *suite) patches() error {
	deployments := s.client.AppsV1().Deployments(s.namespace)
	deployment := NewDeployment("patched", 0)
	deployment.Spec.Template.Spec.Containers = append(deployment.Spec.Template.Spec.Containers,
		corev1.Container{Name: "side", Image: "busybox:1"})
	if _, err := deployments.Create(s.ctx, deployment, metav1.CreateOptions{}); err != nil {
		return err
	}
	patch := func(kind types.PatchType, body string) ([]corev1.Container, error) {
		patched, err := deployments.Patch(s.ctx, "patched", kind, []byte(body), metav1.PatchOptions{})
		if err != nil {
			return nil, err
		}
		return patched.Spec.Template.Spec.Containers, nil
	}
	containers, err := patch(types.StrategicMergePatchType,
		`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"nginx:2"}]}}}}`)
	if err != nil {
		return err
	}
	if len(containers) != 2 || containers[0].Image != "nginx:2" || containers[1].Image != "busybox:1" {
		return fmt.Errorf("after the strategic merge patch: %v", containers)
	}
	containers, err = patch(types.JSONPatchType,
		`[{"op":"test","path":"/spec/template/spec/containers/1/name","value":"side"},
		  {"op":"replace","path":"/spec/template/spec/containers/1/image","value":"busybox:2"}]`)
	if err != nil {
		return err
	}
	if containers[1].Image != "busybox:2" {
		return fmt.Errorf("after the JSON patch: %v", containers)
	}
	containers, err = patch(types.MergePatchType,
		`{"spec":{"template":{"spec":{"containers":[{"name":"only","image":"nginx:3"}]}}}}`)
	if err != nil {
		return err
	}
	if len(containers) != 1 || containers[0].Name != "only" {
		return fmt.Errorf("after the merge patch: %v", containers)
	}
	_, err = patch(types.JSONPatchType, `[{"op":"test","path":"/metadata/name","value":"other"}]`)
	return Expect(apierrors.IsInvalid(err), "a failing test: %v", err)
}

func (s *suite) apply() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	data := func(data map[string]string) *coreapply.ConfigMapApplyConfiguration {
		return coreapply.ConfigMap("applied", s.namespace).WithData(data)
	}
	as := func(manager string, force bool) metav1.ApplyOptions {
		return metav1.ApplyOptions{FieldManager: manager, Force: force}
	}
	if _, err := configMaps.Apply(s.ctx, data(map[string]string{"color": "blue", "size": "s"}), as("one", false)); err != nil {
		return err
	}
	_, err := configMaps.Apply(s.ctx, data(map[string]string{"color": "red"}), as("two", false))
	var status *apierrors.StatusError
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || len(status.ErrStatus.Details.Causes) != 1 {
		return fmt.Errorf("a conflict: %v", err)
	}
	cause := status.ErrStatus.Details.Causes[0]
	if cause.Type != metav1.CauseTypeFieldManagerConflict || cause.Field != ".data.color" ||
		!strings.Contains(cause.Message, `"one"`) {
		return fmt.Errorf("the cause is %v", cause)
	}
	forced, err := configMaps.Apply(s.ctx, data(map[string]string{"color": "red"}), as("two", true))
	if err != nil {
		return err
	}
	if forced.Data["color"] != "red" || forced.Data["size"] != "s" {
		return fmt.Errorf("after force: %v", forced.Data)
	}
	dropped, err := configMaps.Apply(s.ctx, data(map[string]string{"color": "red"}), as("one", false))
	if err != nil {
		return err
	}
	if _, kept := dropped.Data["size"]; kept {
		return fmt.Errorf("a dropped field stays: %v", dropped.Data)
	}
	return s.applyRoundTrip()
}

// applyRoundTrip extracts what a manager owns and applies it again: nothing changes.
func (s *suite) applyRoundTrip() error {
	deployments := s.client.AppsV1().Deployments(s.namespace)
	wanted := appsapply.Deployment("applied", s.namespace).WithSpec(appsapply.DeploymentSpec().
		WithReplicas(0).
		WithSelector(metaapply.LabelSelector().WithMatchLabels(Labels("applied"))).
		WithTemplate(coreapply.PodTemplateSpec().WithLabels(Labels("applied")).WithSpec(coreapply.PodSpec().
			WithContainers(coreapply.Container().WithName("main").WithImage("nginx:1.25")))))
	options := metav1.ApplyOptions{FieldManager: "extractor"}
	first, err := deployments.Apply(s.ctx, wanted, options)
	if err != nil {
		return err
	}
	extracted, err := appsapply.ExtractDeployment(first, "extractor")
	if err != nil {
		return err
	}
	return Eventually(func() error {
		before, err := deployments.Get(s.ctx, "applied", metav1.GetOptions{})
		if err != nil {
			return err
		}
		again, err := deployments.Apply(s.ctx, extracted, options)
		if err != nil {
			return err
		}
		return Expect(again.ResourceVersion == before.ResourceVersion, "an apply of the same changed %s to %s",
			before.ResourceVersion, again.ResourceVersion)
	})
}

func (s *suite) statusAndScale() error {
	deployments := s.client.AppsV1().Deployments(s.namespace)
	created, err := deployments.Create(s.ctx, NewDeployment("scaled", 0), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	pods := s.client.CoreV1().Pods(s.namespace)
	pod := NewPod("has-status")
	pod.Spec.NodeName = "nowhere"
	if pod, err = pods.Create(s.ctx, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	pod.Status.Message = "written"
	pod.Labels["written"] = "yes"
	pod.Spec.Containers[0].Image = "other:1"
	pod.Spec.ActiveDeadlineSeconds = nil
	written, err := pods.UpdateStatus(s.ctx, pod, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if written.Status.Message != "written" || written.Spec.Containers[0].Image != "nginx:1.25" {
		return fmt.Errorf("after the status write: %q %q", written.Status.Message, written.Spec.Containers[0].Image)
	}
	written.Status.Message = "lost"
	written.Spec.Containers[0].Image = "other:2"
	if written, err = pods.Update(s.ctx, written, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if written.Status.Message != "written" || written.Spec.Containers[0].Image != "other:2" {
		return fmt.Errorf("after the write: %q %q", written.Status.Message, written.Spec.Containers[0].Image)
	}
	scale, err := deployments.GetScale(s.ctx, "scaled", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if scale.Spec.Replicas != 0 || scale.UID != created.UID {
		return fmt.Errorf("the scale is %v", scale)
	}
	scale.ResourceVersion = ""
	scale.Spec.Replicas = 3
	if _, err = deployments.UpdateScale(s.ctx, "scaled", scale, metav1.UpdateOptions{}); err != nil {
		return err
	}
	return Eventually(func() error {
		scale, err := deployments.GetScale(s.ctx, "scaled", metav1.GetOptions{})
		if err != nil {
			return err
		}
		return Expect(scale.Status.Replicas == 3 && scale.Status.Selector == "app=scaled", "the scale is %v", scale)
	})
}

func (s *suite) dryRun() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	all := []string{metav1.DryRunAll}
	answered, err := configMaps.Create(s.ctx, NewConfigMap("dry"), metav1.CreateOptions{DryRun: all})
	if err != nil {
		return err
	}
	if answered.UID == "" {
		return fmt.Errorf("the answer has no UID")
	}
	if _, err = configMaps.Get(s.ctx, "dry", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("created all the same: %v", err)
	}
	stored, err := configMaps.Create(s.ctx, NewConfigMap("dry"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	changed := stored.DeepCopy()
	changed.Data["key"] = "changed"
	if answered, err = configMaps.Update(s.ctx, changed, metav1.UpdateOptions{DryRun: all}); err != nil {
		return err
	}
	if answered.Data["key"] != "changed" {
		return fmt.Errorf("the answer is %v", answered.Data)
	}
	if err = configMaps.Delete(s.ctx, "dry", metav1.DeleteOptions{DryRun: all}); err != nil {
		return err
	}
	read, err := configMaps.Get(s.ctx, "dry", metav1.GetOptions{})
	if err != nil {
		return err
	}
	return Expect(read.ResourceVersion == stored.ResourceVersion && read.Data["key"] == "value",
		"changed all the same: %v", read)
}

func (s *suite) errors() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	_, err := configMaps.Get(s.ctx, "missing", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) || err.Error() != `configmaps "missing" not found` {
		return fmt.Errorf("a missing object: %v", err)
	}
	first, err := configMaps.Create(s.ctx, NewConfigMap("errors"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if _, err = configMaps.Create(s.ctx, NewConfigMap("errors"), metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a second create: %v", err)
	}
	changed := first.DeepCopy()
	changed.Data["key"] = "new"
	if _, err = configMaps.Update(s.ctx, changed, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if _, err = configMaps.Update(s.ctx, changed, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		return fmt.Errorf("a stale update: %v", err)
	}
	bad := NewPod("Not_A_Name")
	bad.Spec.Containers[0].Image = ""
	_, err = s.client.CoreV1().Pods(s.namespace).Create(s.ctx, bad, metav1.CreateOptions{})
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
	_, err = configMaps.List(s.ctx, metav1.ListOptions{LabelSelector: "!!"})
	return Expect(apierrors.IsBadRequest(err), "a selector that is none: %v", err)
}

func (s *suite) deleteCollection() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	for index, group := range []string{"go", "go", "stay"} {
		object := NewConfigMap(fmt.Sprintf("collected-%d", index))
		object.Labels = map[string]string{"group": group}
		if _, err := configMaps.Create(s.ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	err := configMaps.DeleteCollection(s.ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "group=go"})
	if err != nil {
		return err
	}
	list, err := configMaps.List(s.ctx, metav1.ListOptions{LabelSelector: "group"})
	if err != nil {
		return err
	}
	return Expect(len(list.Items) == 1 && list.Items[0].Name == "collected-2", "left are %d", len(list.Items))
}
