// Package objects makes small valid objects of the kinds that the scenarios use.
package objects

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func meta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// Labels are those of what belongs to name.
func Labels(name string) map[string]string { return map[string]string{"app": name} }

// Selector selects them.
func Selector(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: Labels(name)}
}

func template(name string, policy corev1.RestartPolicy) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: Labels(name)},
		Spec: corev1.PodSpec{
			RestartPolicy: policy,
			Containers:    []corev1.Container{{Name: "main", Image: "nginx:1.25"}},
		},
	}
}

// NewConfigMap is ConfigMap of that name.
func NewConfigMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: meta(name), Data: map[string]string{"key": "value"}}
}

// NewPod is Pod of that name.
func NewPod(name string) *corev1.Pod {
	pod := template(name, corev1.RestartPolicyAlways)
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: Labels(name)}, Spec: pod.Spec}
}

// NewDeployment is Deployment of that name.
func NewDeployment(name string, replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: meta(name), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To(replicas), Selector: Selector(name), Template: template(name, corev1.RestartPolicyAlways),
	}}
}

// NewStatefulSet is StatefulSet of that name.
func NewStatefulSet(name string) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: meta(name), Spec: appsv1.StatefulSetSpec{
		Replicas: ptr.To[int32](0), ServiceName: name, Selector: Selector(name),
		Template: template(name, corev1.RestartPolicyAlways),
	}}
}

// NewService is Service of that name.
func NewService(name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: meta(name), Spec: corev1.ServiceSpec{
		Selector: Labels(name), Ports: []corev1.ServicePort{{Port: 80}},
	}}
}

// NewClaim is Claim of that name.
func NewClaim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: meta(name), Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		StorageClassName: ptr.To(""),
		Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
		},
	}}
}

// NewJob is Job of that name.
func NewJob(name string) *batchv1.Job {
	return &batchv1.Job{ObjectMeta: meta(name), Spec: batchv1.JobSpec{
		Suspend: ptr.To(true), Template: template(name, corev1.RestartPolicyNever),
	}}
}

// NewCronJob is CronJob of that name.
func NewCronJob(name string) *batchv1.CronJob {
	return &batchv1.CronJob{ObjectMeta: meta(name), Spec: batchv1.CronJobSpec{
		Schedule: "0 0 1 1 *",
		JobTemplate: batchv1.JobTemplateSpec{
			Spec: batchv1.JobSpec{Template: template(name, corev1.RestartPolicyNever)},
		},
	}}
}

// NewIngress is Ingress of that name.
func NewIngress(name string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: meta(name), Spec: networkingv1.IngressSpec{
		DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
			Name: name, Port: networkingv1.ServiceBackendPort{Number: 80},
		}},
	}}
}

// NewNetworkPolicy is NetworkPolicy of that name.
func NewNetworkPolicy(name string) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: meta(name), Spec: networkingv1.NetworkPolicySpec{
		PodSelector: *Selector(name),
	}}
}

// NewRole is Role of that name.
func NewRole(name string) *rbacv1.Role {
	return &rbacv1.Role{ObjectMeta: meta(name), Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}},
	}}
}

// NewBudget is Budget of that name.
func NewBudget(name string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{ObjectMeta: meta(name), Spec: policyv1.PodDisruptionBudgetSpec{
		Selector: Selector(name),
	}}
}

// NewAutoscaler is Autoscaler of that name.
func NewAutoscaler(name string) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta(name), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
		MaxReplicas:    3,
	}}
}

// NewLease is Lease of that name.
func NewLease(name string) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: meta(name), Spec: coordinationv1.LeaseSpec{HolderIdentity: ptr.To("somebody")}}
}

// NewPriorityClass is PriorityClass of that name.
func NewPriorityClass(name string) *schedulingv1.PriorityClass {
	return &schedulingv1.PriorityClass{ObjectMeta: meta(name), Value: 7}
}

// NewSecret is Secret of that name.
func NewSecret(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: meta(name), StringData: map[string]string{"password": "secret"}}
}

// NewServiceAccount is ServiceAccount of that name.
func NewServiceAccount(name string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: meta(name)}
}
