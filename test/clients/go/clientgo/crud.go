package main

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	. "kubemu.io/test/clients/objects"
	. "kubemu.io/test/clients/scenario"
)

// typedClient is the part of client-go's generated clients that crud needs, for objects T with lists L.
type typedClient[T metav1.Object, L any] interface {
	Create(ctx context.Context, object T, options metav1.CreateOptions) (T, error)
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
	List(ctx context.Context, options metav1.ListOptions) (L, error)
	Update(ctx context.Context, object T, options metav1.UpdateOptions) (T, error)
	Delete(ctx context.Context, name string, options metav1.DeleteOptions) error
}

func crudOf[T metav1.Object, L any](ctx context.Context, kind string, client typedClient[T, L], object T) error {
	fail := func(step string, err error) error { return fmt.Errorf("%s of %s: %w", step, kind, err) }
	created, err := client.Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return fail("create", err)
	}
	timestamp := created.GetCreationTimestamp()
	if created.GetUID() == "" || created.GetResourceVersion() == "" || timestamp.IsZero() {
		return fail("create", fmt.Errorf("incomplete metadata: %v", created))
	}
	if _, err := client.List(ctx, metav1.ListOptions{}); err != nil {
		return fail("list", err)
	}
	read, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
	if err != nil {
		return fail("get", err)
	}
	if read.GetUID() != created.GetUID() {
		return fail("get", fmt.Errorf("another object"))
	}
	version := read.GetResourceVersion()
	// A controller may write in between: the annotation is set without insisting on a version.
	read.SetAnnotations(map[string]string{"touched": "yes"})
	updated, err := client.Update(ctx, read, metav1.UpdateOptions{})
	for apierrors.IsConflict(err) {
		if read, err = client.Get(ctx, object.GetName(), metav1.GetOptions{}); err != nil {
			return fail("get", err)
		}
		read.SetAnnotations(map[string]string{"touched": "yes"})
		updated, err = client.Update(ctx, read, metav1.UpdateOptions{})
	}
	if err != nil {
		return fail("update", err)
	}
	if updated.GetResourceVersion() == version || updated.GetAnnotations()["touched"] != "yes" {
		return fail("update", fmt.Errorf("nothing changed"))
	}
	zero := int64(0)
	background := metav1.DeletePropagationBackground
	err = client.Delete(ctx, object.GetName(), metav1.DeleteOptions{
		GracePeriodSeconds: &zero, PropagationPolicy: &background,
	})
	if err != nil {
		return fail("delete", err)
	}
	return Eventually(func() error {
		_, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
		return Expect(apierrors.IsNotFound(err), "%s after delete: %v", kind, err)
	})
}

func (s *suite) crud() error {
	core, apps, batch, net := s.client.CoreV1(), s.client.AppsV1(), s.client.BatchV1(), s.client.NetworkingV1()
	ns, name := s.namespace, "crud"
	secret := NewSecret(name)
	for _, step := range []func() error{
		func() error { return crudOf(s.ctx, "ConfigMap", core.ConfigMaps(ns), NewConfigMap(name)) },
		func() error { return crudOf(s.ctx, "Secret", core.Secrets(ns), secret) },
		func() error {
			return crudOf(s.ctx, "ServiceAccount", core.ServiceAccounts(ns), NewServiceAccount(name))
		},
		func() error { return crudOf(s.ctx, "Service", core.Services(ns), NewService(name)) },
		func() error { return crudOf(s.ctx, "Pod", core.Pods(ns), NewPod(name)) },
		func() error {
			return crudOf(s.ctx, "PersistentVolumeClaim", core.PersistentVolumeClaims(ns), NewClaim(name))
		},
		func() error { return crudOf(s.ctx, "Deployment", apps.Deployments(ns), NewDeployment(name, 0)) },
		func() error { return crudOf(s.ctx, "StatefulSet", apps.StatefulSets(ns), NewStatefulSet(name)) },
		func() error { return crudOf(s.ctx, "Job", batch.Jobs(ns), NewJob(name)) },
		func() error { return crudOf(s.ctx, "CronJob", batch.CronJobs(ns), NewCronJob(name)) },
		func() error { return crudOf(s.ctx, "Ingress", net.Ingresses(ns), NewIngress(name)) },
		func() error { return crudOf(s.ctx, "NetworkPolicy", net.NetworkPolicies(ns), NewNetworkPolicy(name)) },
		func() error { return crudOf(s.ctx, "Role", s.client.RbacV1().Roles(ns), NewRole(name)) },
		func() error {
			return crudOf(s.ctx, "PodDisruptionBudget", s.client.PolicyV1().PodDisruptionBudgets(ns), NewBudget(name))
		},
		func() error {
			return crudOf(s.ctx, "HorizontalPodAutoscaler",
				s.client.AutoscalingV2().HorizontalPodAutoscalers(ns), NewAutoscaler(name))
		},
		func() error { return crudOf(s.ctx, "Lease", s.client.CoordinationV1().Leases(ns), NewLease(name)) },
		func() error {
			return crudOf(s.ctx, "PriorityClass", s.client.SchedulingV1().PriorityClasses(), NewPriorityClass(name))
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
