package main

import (
	"fmt"
	"reflect"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	. "kubemu.io/test/clients/objects"
	. "kubemu.io/test/clients/scenario"
)

// place puts a namespaced object into the namespace of the suite.
func place[T client.Object](s *suite, object T) T {
	object.SetNamespace(s.namespace)
	return object
}

func (s *suite) crudOf(object client.Object) error {
	kind := reflect.TypeOf(object).Elem().Name()
	fail := func(step string, err error) error { return fmt.Errorf("%s of %s: %w", step, kind, err) }
	key := client.ObjectKeyFromObject(object)
	if err := s.client.Create(s.ctx, object); err != nil {
		return fail("create", err)
	}
	timestamp := object.GetCreationTimestamp()
	if object.GetUID() == "" || object.GetResourceVersion() == "" || timestamp.IsZero() {
		return fail("create", fmt.Errorf("incomplete metadata"))
	}
	gvk, err := apiutil.GVKForObject(object, s.client.Scheme())
	if err != nil {
		return fail("kind", err)
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err := s.client.List(s.ctx, list, client.InNamespace(object.GetNamespace())); err != nil || len(list.Items) == 0 {
		return fail("list", fmt.Errorf("%d items, %v", len(list.Items), err))
	}
	version := object.GetResourceVersion()
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := s.client.Get(s.ctx, key, object); err != nil {
			return err
		}
		object.SetAnnotations(map[string]string{"touched": "yes"})
		return s.client.Update(s.ctx, object)
	})
	if err != nil {
		return fail("update", err)
	}
	if object.GetResourceVersion() == version || object.GetAnnotations()["touched"] != "yes" {
		return fail("update", fmt.Errorf("nothing changed"))
	}
	err = s.client.Delete(s.ctx, object, client.GracePeriodSeconds(0),
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil {
		return fail("delete", err)
	}
	return Eventually(func() error {
		err := s.client.Get(s.ctx, key, object)
		return Expect(apierrors.IsNotFound(err), "%s after delete: %v", kind, err)
	})
}

func (s *suite) crud() error {
	const name = "crud"
	namespaced := []client.Object{
		NewConfigMap(name), NewSecret(name), NewServiceAccount(name), NewService(name), NewPod(name), NewClaim(name),
		NewDeployment(name, 0), NewStatefulSet(name), NewJob(name), NewCronJob(name), NewIngress(name),
		NewNetworkPolicy(name), NewRole(name), NewBudget(name), NewAutoscaler(name), NewLease(name),
	}
	for _, object := range namespaced {
		if err := s.crudOf(place(s, object)); err != nil {
			return err
		}
	}
	return s.crudOf(NewPriorityClass(name))
}

func (s *suite) generateName() error {
	names := map[string]bool{}
	for range 2 {
		object := place(s, NewConfigMap(""))
		object.GenerateName = "made-"
		if err := s.client.Create(s.ctx, object); err != nil {
			return err
		}
		names[object.Name] = true
		if !strings.HasPrefix(object.Name, "made-") || len(object.Name) != len("made-")+5 {
			return fmt.Errorf("the name is %q", object.Name)
		}
	}
	return Expect(len(names) == 2, "both are called %v", names)
}

func (s *suite) statusAndScale() error {
	pod := place(s, NewPod("has-status"))
	pod.Spec.NodeName = "nowhere"
	if err := s.client.Create(s.ctx, pod); err != nil {
		return err
	}
	pod.Status.Message = "written"
	pod.Spec.Containers[0].Image = "other:1"
	if err := s.client.Status().Update(s.ctx, pod); err != nil {
		return err
	}
	if pod.Status.Message != "written" || pod.Spec.Containers[0].Image != "nginx:1.25" {
		return fmt.Errorf("after the status write: %q %q", pod.Status.Message, pod.Spec.Containers[0].Image)
	}
	pod.Status.Message = "lost"
	pod.Spec.Containers[0].Image = "other:2"
	if err := s.client.Update(s.ctx, pod); err != nil {
		return err
	}
	if pod.Status.Message != "written" || pod.Spec.Containers[0].Image != "other:2" {
		return fmt.Errorf("after the write: %q %q", pod.Status.Message, pod.Spec.Containers[0].Image)
	}
	deployment := place(s, NewDeployment("scaled", 0))
	if err := s.client.Create(s.ctx, deployment); err != nil {
		return err
	}
	scale := &autoscalingv1.Scale{}
	if err := s.client.SubResource("scale").Get(s.ctx, deployment, scale); err != nil {
		return err
	}
	scale.ResourceVersion = ""
	scale.Spec.Replicas = 3
	if err := s.client.SubResource("scale").Update(s.ctx, deployment, client.WithSubResourceBody(scale)); err != nil {
		return err
	}
	return Eventually(func() error {
		if err := s.client.SubResource("scale").Get(s.ctx, deployment, scale); err != nil {
			return err
		}
		return Expect(scale.Status.Replicas == 3, "the scale is %v", scale)
	})
}

func (s *suite) deleteCollection() error {
	for index, group := range []string{"go", "go", "stay"} {
		object := place(s, NewConfigMap(fmt.Sprintf("collected-%d", index)))
		object.Labels = map[string]string{"group": group}
		if err := s.client.Create(s.ctx, object); err != nil {
			return err
		}
	}
	err := s.client.DeleteAllOf(s.ctx, &corev1.ConfigMap{}, client.InNamespace(s.namespace),
		client.MatchingLabels{"group": "go"})
	if err != nil {
		return err
	}
	var left corev1.ConfigMapList
	if err := s.client.List(s.ctx, &left, client.InNamespace(s.namespace), client.HasLabels{"group"}); err != nil {
		return err
	}
	return Expect(len(left.Items) == 1 && left.Items[0].Name == "collected-2", "left are %d", len(left.Items))
}

func (s *suite) dryRun() error {
	dry := client.NewDryRunClient(s.client)
	key := client.ObjectKey{Namespace: s.namespace, Name: "dry"}
	object := place(s, NewConfigMap("dry"))
	if err := dry.Create(s.ctx, object); err != nil {
		return err
	}
	var read corev1.ConfigMap
	if err := s.client.Get(s.ctx, key, &read); object.UID == "" || !apierrors.IsNotFound(err) {
		return fmt.Errorf("created all the same: %v", err)
	}
	stored := place(s, NewConfigMap("dry"))
	result, err := controllerutil.CreateOrUpdate(s.ctx, s.client, stored, func() error { return nil })
	if err != nil || result != controllerutil.OperationResultCreated {
		return fmt.Errorf("create or update: %v, %w", result, err)
	}
	changed := stored.DeepCopy()
	changed.Data["key"] = "changed"
	if err := dry.Update(s.ctx, changed); err != nil || changed.Data["key"] != "changed" {
		return fmt.Errorf("the update answered %v, %w", changed.Data, err)
	}
	if err := dry.Delete(s.ctx, stored.DeepCopy()); err != nil {
		return err
	}
	if err := s.client.Get(s.ctx, key, &read); err != nil {
		return err
	}
	return Expect(read.ResourceVersion == stored.ResourceVersion && read.Data["key"] == "value",
		"changed all the same: %v", read.Data)
}
