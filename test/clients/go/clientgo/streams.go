package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	. "kubemu.io/test/clients/objects"
	. "kubemu.io/test/clients/scenario"
)

const replicas = 20

func (s *suite) pages() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	create := func(name string) error {
		object := NewConfigMap(name)
		object.Labels = Labels("paged")
		_, err := configMaps.Create(s.ctx, object, metav1.CreateOptions{})
		return err
	}
	for index := range 25 {
		if err := create(fmt.Sprintf("page-%02d", index)); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	version, token, pages := "", "", 0
	for {
		page, err := configMaps.List(s.ctx, metav1.ListOptions{LabelSelector: "app=paged", Limit: 10, Continue: token})
		if err != nil {
			return err
		}
		pages++
		if version != "" && page.ResourceVersion != version {
			return fmt.Errorf("page %d is of %s, the first of %s", pages, page.ResourceVersion, version)
		}
		version = page.ResourceVersion
		for _, item := range page.Items {
			if seen[item.Name] {
				return fmt.Errorf("%s came twice", item.Name)
			}
			seen[item.Name] = true
		}
		if token = page.Continue; token == "" {
			break
		}
		if err := create(fmt.Sprintf("page-99-%d", pages)); err != nil {
			return err
		}
	}
	return Expect(pages == 3 && len(seen) == 25, "%d pages with %d objects", pages, len(seen))
}

// next reads one event and names it.
func next(watcher watch.Interface) (string, string, error) {
	select {
	case event, open := <-watcher.ResultChan():
		if !open {
			return "", "", fmt.Errorf("the watch ended")
		}
		if event.Type == watch.Error {
			return "", "", apierrors.FromObject(event.Object)
		}
		object := event.Object.(*corev1.ConfigMap)
		return fmt.Sprintf("%s %s %s", event.Type, object.Name, object.Data["key"]), object.ResourceVersion, nil
	case <-time.After(Timeout):
		return "", "", fmt.Errorf("no event came")
	}
}

func expectEvents(watcher watch.Interface, wanted ...string) (versions []string, err error) {
	for _, want := range wanted {
		got, version, err := next(watcher)
		if err != nil {
			return nil, err
		}
		if got != want {
			return nil, fmt.Errorf("%q came, not %q", got, want)
		}
		versions = append(versions, version)
	}
	return versions, nil
}

func (s *suite) watch() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	list, err := configMaps.List(s.ctx, metav1.ListOptions{LabelSelector: "app=watched"})
	if err != nil {
		return err
	}
	open := func(version string) (watch.Interface, error) {
		return configMaps.Watch(s.ctx, metav1.ListOptions{LabelSelector: "app=watched", ResourceVersion: version})
	}
	watcher, err := open(list.ResourceVersion)
	if err != nil {
		return err
	}
	defer watcher.Stop()
	object := NewConfigMap("watched")
	object.Labels = Labels("watched")
	if object, err = configMaps.Create(s.ctx, object, metav1.CreateOptions{}); err != nil {
		return err
	}
	object.Data["key"] = "second"
	if object, err = configMaps.Update(s.ctx, object, metav1.UpdateOptions{}); err != nil {
		return err
	}
	object.Labels = nil
	if object, err = configMaps.Update(s.ctx, object, metav1.UpdateOptions{}); err != nil {
		return err
	}
	object.Labels = Labels("watched")
	if _, err = configMaps.Update(s.ctx, object, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err = configMaps.Delete(s.ctx, "watched", metav1.DeleteOptions{}); err != nil {
		return err
	}
	all := []string{
		"ADDED watched value", "MODIFIED watched second", "DELETED watched second", "ADDED watched second",
		"DELETED watched second",
	}
	versions, err := expectEvents(watcher, all...)
	if err != nil {
		return err
	}
	resumed, err := open(versions[1])
	if err != nil {
		return err
	}
	defer resumed.Stop()
	_, err = expectEvents(resumed, all[2:]...)
	return err
}

func (s *suite) expired() error {
	configMaps := s.client.CoreV1().ConfigMaps(s.namespace)
	first, err := configMaps.Create(s.ctx, NewConfigMap("expired"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	first.Data["key"] = "second"
	if _, err = configMaps.Update(s.ctx, first, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err = Control("compact"); err != nil {
		return err
	}
	watcher, err := configMaps.Watch(s.ctx, metav1.ListOptions{ResourceVersion: first.ResourceVersion})
	if err == nil {
		defer watcher.Stop()
		_, _, err = next(watcher)
	}
	return Expect(apierrors.IsResourceExpired(err) || apierrors.IsGone(err), "the old watch: %v", err)
}

// record counts what an informer reports of each pod.
type record struct {
	mutex          sync.Mutex
	added, deleted map[string]int
}

func (r *record) count(of map[string]int, pod any) {
	if unknown, isUnknown := pod.(cache.DeletedFinalStateUnknown); isUnknown {
		pod = unknown.Obj
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	of[pod.(*corev1.Pod).Name]++
}

func (r *record) sizes() (int, int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.added), len(r.deleted)
}

func (s *suite) scale(name string, replicas int32) error {
	deployments := s.client.AppsV1().Deployments(s.namespace)
	scale, err := deployments.GetScale(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	scale.ResourceVersion = ""
	scale.Spec.Replicas = replicas
	_, err = deployments.UpdateScale(s.ctx, name, scale, metav1.UpdateOptions{})
	return err
}

func (s *suite) informer() error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	deployment := NewDeployment("informed", 0)
	if _, err := s.client.AppsV1().Deployments(s.namespace).Create(s.ctx, deployment, metav1.CreateOptions{}); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 0, informers.WithNamespace(s.namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = "app=informed" }))
	pods := factory.Core().V1().Pods()
	seen := &record{added: map[string]int{}, deleted: map[string]int{}}
	_, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { seen.count(seen.added, pod) },
		DeleteFunc: func(pod any) { seen.count(seen.deleted, pod) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.Informer().HasSynced) {
		return fmt.Errorf("the informer did not sync")
	}
	if err := s.scale("informed", replicas); err != nil {
		return err
	}
	waitFor := func(added, deleted int) error {
		return Eventually(func() error {
			gotAdded, gotDeleted := seen.sizes()
			return Expect(gotAdded == added && gotDeleted == deleted, "%d added, %d deleted", gotAdded, gotDeleted)
		})
	}
	if err := waitFor(replicas, 0); err != nil {
		return err
	}
	if err := Control("restart"); err != nil {
		return err
	}
	if err := Eventually(func() error { return s.scale("informed", 0) }); err != nil {
		return err
	}
	if err := waitFor(replicas, replicas); err != nil {
		return err
	}
	for name, times := range seen.added {
		if times != 1 || seen.deleted[name] != 1 {
			return fmt.Errorf("%s was added %d times, deleted %d times", name, times, seen.deleted[name])
		}
	}
	return Expect(len(pods.Informer().GetStore().List()) == 0, "the cache is not empty")
}

func (s *suite) leaderElection() error {
	type leadership struct {
		who  string
		stop context.CancelFunc
	}
	leaders := make(chan leadership, 2)
	for _, who := range []string{"first", "second"} {
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: s.namespace, Name: "election"},
			Client:     s.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: who},
		}
		ctx, stop := context.WithCancel(s.ctx)
		defer stop()
		go leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, ReleaseOnCancel: true,
			LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { leaders <- leadership{who, stop} },
				OnStoppedLeading: func() {},
			},
		})
	}
	wait := func() (leadership, error) {
		select {
		case leader := <-leaders:
			return leader, nil
		case <-time.After(Timeout):
			return leadership{}, fmt.Errorf("nobody leads")
		}
	}
	leader, err := wait()
	if err != nil {
		return err
	}
	select {
	case other := <-leaders:
		return fmt.Errorf("%s and %s lead at once", leader.who, other.who)
	case <-time.After(500 * time.Millisecond):
	}
	leader.stop()
	successor, err := wait()
	if err != nil {
		return err
	}
	return Expect(successor.who != leader.who, "%s leads again", leader.who)
}
