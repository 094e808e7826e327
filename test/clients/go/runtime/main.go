// Command runtime runs the scenarios with controller-runtime's client, cache and manager.
package main

import (
	"context"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	. "kubemu.io/test/clients/scenario"
)

// suite is what every scenario works with.
type suite struct {
	config    *rest.Config
	client    client.WithWatch
	namespace string
	ctx       context.Context
}

func main() {
	log.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		panic(err)
	}
	config.QPS, config.Burst = 1000, 1000
	made, err := client.NewWithWatch(config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		panic(err)
	}
	s := &suite{config: config, client: made, namespace: Namespace(), ctx: context.Background()}
	RunAll([]Scenario{
		{Name: "crud", Run: s.crud},
		{Name: "generate-name", Run: s.generateName},
		{Name: "patches", Run: s.patches},
		{Name: "apply", Run: s.apply},
		{Name: "pages", Run: s.pages},
		{Name: "watch", Run: s.watch},
		{Name: "expired", Run: s.expired},
		{Name: "informer", Run: s.informer},
		{Name: "leader-election", Run: s.leaderElection},
		{Name: "status-and-scale", Run: s.statusAndScale},
		{Name: "delete-collection", Run: s.deleteCollection},
		{Name: "dry-run", Run: s.dryRun},
		{Name: "errors", Run: s.errors},
		{Name: "maximal-pod", Run: s.maximalPod},
	})
}
