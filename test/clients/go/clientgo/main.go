// Command clientgo runs the scenarios with client-go's typed clients, in protobuf as they prefer it.
package main

import (
	"context"
	"os"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	. "kubemu.io/test/clients/scenario"
)

// suite is what every scenario works with.
type suite struct {
	config    *rest.Config
	client    *kubernetes.Clientset
	json      *kubernetes.Clientset
	namespace string
	ctx       context.Context
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		panic(err)
	}
	config.QPS, config.Burst = 1000, 1000
	asJSON := rest.CopyConfig(config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf"
	s := &suite{
		config:    config,
		client:    kubernetes.NewForConfigOrDie(config),
		json:      kubernetes.NewForConfigOrDie(asJSON),
		namespace: Namespace(),
		ctx:       context.Background(),
	}
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
