package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	. "kubemu.io/test/clients/objects"
	. "kubemu.io/test/clients/scenario"
)

const replicas = 20

func (s *suite) pages() error {
	create := func(name string) error {
		object := place(s, NewConfigMap(name))
		object.Labels = Labels("paged")
		return s.client.Create(s.ctx, object)
	}
	for index := range 25 {
		if err := create(fmt.Sprintf("page-%02d", index)); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	var page corev1.ConfigMapList
	version, pages := "", 0
	for {
		err := s.client.List(s.ctx, &page, client.InNamespace(s.namespace), client.MatchingLabels(Labels("paged")),
			client.Limit(10), client.Continue(page.Continue))
		if err != nil {
			return err
		}
		pages++
		if version != "" && page.ResourceVersion != version {
			return fmt.Errorf("page %d is of %s, the first of %s", pages, page.ResourceVersion, version)
		}
		version = page.ResourceVersion
		for _, item := range page.Items {
			seen[item.Name] = true
		}
		if page.Continue == "" {
			break
		}
		if err := create(fmt.Sprintf("page-99-%d", pages)); err != nil {
			return err
		}
	}
	return Expect(pages == 3 && len(seen) == 25, "%d pages with %d objects", pages, len(seen))
}

func (s *suite) openWatch(version string) (watch.Interface, error) {
	return s.client.Watch(s.ctx, &corev1.ConfigMapList{}, client.InNamespace(s.namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version}, LabelSelector: watched()})
}

func expectEvents(watcher watch.Interface, wanted ...string) (versions []string, err error) {
	for _, want := range wanted {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				return nil, fmt.Errorf("the watch ended before %q", want)
			}
			if event.Type == watch.Error {
				return nil, apierrors.FromObject(event.Object)
			}
			object := event.Object.(*corev1.ConfigMap)
			if got := fmt.Sprintf("%s %s %s", event.Type, object.Name, object.Data["key"]); got != want {
				return nil, fmt.Errorf("%q came, not %q", got, want)
			}
			versions = append(versions, object.ResourceVersion)
		case <-time.After(Timeout):
			return nil, fmt.Errorf("%q did not come", want)
		}
	}
	return versions, nil
}

func (s *suite) watch() error {
	var list corev1.ConfigMapList
	if err := s.client.List(s.ctx, &list, client.InNamespace(s.namespace)); err != nil {
		return err
	}
	watcher, err := s.openWatch(list.ResourceVersion)
	if err != nil {
		return err
	}
	defer watcher.Stop()
	object := place(s, NewConfigMap("watched"))
	object.Labels = Labels("watched")
	if err := s.client.Create(s.ctx, object); err != nil {
		return err
	}
	object.Data["key"] = "second"
	if err := s.client.Update(s.ctx, object); err != nil {
		return err
	}
	object.Labels = nil
	if err := s.client.Update(s.ctx, object); err != nil {
		return err
	}
	object.Labels = Labels("watched")
	if err := s.client.Update(s.ctx, object); err != nil {
		return err
	}
	if err := s.client.Delete(s.ctx, object); err != nil {
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
	resumed, err := s.openWatch(versions[1])
	if err != nil {
		return err
	}
	defer resumed.Stop()
	_, err = expectEvents(resumed, all[2:]...)
	return err
}

func (s *suite) expired() error {
	object := place(s, NewConfigMap("expired"))
	if err := s.client.Create(s.ctx, object); err != nil {
		return err
	}
	old := object.ResourceVersion
	object.Data["key"] = "second"
	if err := s.client.Update(s.ctx, object); err != nil {
		return err
	}
	if err := Control("compact"); err != nil {
		return err
	}
	watcher, err := s.openWatch(old)
	if err == nil {
		defer watcher.Stop()
		_, err = expectEvents(watcher, "an error")
	}
	return Expect(apierrors.IsResourceExpired(err) || apierrors.IsGone(err), "the old watch: %v", err)
}

func (s *suite) scale(name string, replicas int32) error {
	deployment := place(s, NewDeployment(name, 0))
	scale := &autoscalingv1.Scale{}
	if err := s.client.SubResource("scale").Get(s.ctx, deployment, scale); err != nil {
		return err
	}
	scale.ResourceVersion = ""
	scale.Spec.Replicas = replicas
	return s.client.SubResource("scale").Update(s.ctx, deployment, client.WithSubResourceBody(scale))
}

func (s *suite) informer() error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if err := s.client.Create(s.ctx, place(s, NewDeployment("informed", 0))); err != nil {
		return err
	}
	shared, err := cache.New(s.config, cache.Options{
		Scheme:            s.client.Scheme(),
		DefaultNamespaces: map[string]cache.Config{s.namespace: {}},
		ByObject:          map[client.Object]cache.ByObject{&corev1.Pod{}: {Label: labels.SelectorFromSet(Labels("informed"))}},
	})
	if err != nil {
		return err
	}
	go func() { _ = shared.Start(ctx) }()
	informer, err := shared.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return err
	}
	var mutex sync.Mutex
	added, deleted := map[string]int{}, map[string]int{}
	count := func(of map[string]int, object any) {
		if unknown, isUnknown := object.(toolscache.DeletedFinalStateUnknown); isUnknown {
			object = unknown.Obj
		}
		mutex.Lock()
		defer mutex.Unlock()
		of[object.(*corev1.Pod).Name]++
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { count(added, object) },
		DeleteFunc: func(object any) { count(deleted, object) },
	})
	if err != nil {
		return err
	}
	waitFor := func(wantAdded, wantDeleted int) error {
		return Eventually(func() error {
			mutex.Lock()
			defer mutex.Unlock()
			return Expect(len(added) == wantAdded && len(deleted) == wantDeleted, "%d added, %d deleted",
				len(added), len(deleted))
		})
	}
	if err := s.scale("informed", replicas); err != nil {
		return err
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
	for name, times := range added {
		if times != 1 || deleted[name] != 1 {
			return fmt.Errorf("%s was added %d times, deleted %d times", name, times, deleted[name])
		}
	}
	var cached corev1.PodList
	if err := shared.List(ctx, &cached, client.InNamespace(s.namespace)); err != nil {
		return err
	}
	return Expect(len(cached.Items) == 0, "the cache still holds %d pods", len(cached.Items))
}

// leaderElection runs two managers with one election ID.
func (s *suite) leaderElection() error {
	leaders := make(chan int, 2)
	stops := map[int]context.CancelFunc{}
	for candidate := range 2 {
		lease, renew, period := 3*time.Second, 2*time.Second, 200*time.Millisecond
		made, err := ctrl.NewManager(s.config, ctrl.Options{
			LeaderElection: true, LeaderElectionID: "managers", LeaderElectionNamespace: s.namespace,
			LeaderElectionReleaseOnCancel: true,
			LeaseDuration:                 &lease, RenewDeadline: &renew, RetryPeriod: &period,
			Metrics: server.Options{BindAddress: "0"},
		})
		if err != nil {
			return err
		}
		err = made.Add(manager.RunnableFunc(func(ctx context.Context) error {
			leaders <- candidate
			<-ctx.Done()
			return nil
		}))
		if err != nil {
			return err
		}
		ctx, stop := context.WithCancel(s.ctx)
		defer stop()
		stops[candidate] = stop
		go func() { _ = made.Start(ctx) }()
	}
	wait := func() (int, error) {
		select {
		case leader := <-leaders:
			return leader, nil
		case <-time.After(Timeout):
			return 0, fmt.Errorf("nobody leads")
		}
	}
	leader, err := wait()
	if err != nil {
		return err
	}
	stops[leader]()
	successor, err := wait()
	if err != nil {
		return err
	}
	return Expect(successor != leader, "the one that stopped leads again")
}

func watched() labels.Selector { return labels.SelectorFromSet(Labels("watched")) }
