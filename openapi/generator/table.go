package main

// What the modules do not say of the resources: names, short names, categories, verbs and subresources, in the order
// discovery lists the groups.

type groupRow struct {
	group string
	// Preferred first.
	versions  []string
	resources []resourceRow
}

type resourceRow struct {
	plural, kind      string
	short, categories []string
	cluster           bool
	// Nil means the standard eight.
	verbs        []string
	subresources []subresourceRow
	// Empty means the preferred version.
	storage      string
	storedInCore bool
}

type subresourceRow struct {
	name string
	// Group, version and kind, when it is not the parent's.
	kind [3]string
	// Nil means get, patch, update.
	verbs []string
}

var (
	standardVerbs = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	onlyCreate    = []string{"create"}
	all           = []string{"all"}
	apiExtensions = []string{"api-extensions"}
	status        = subresourceRow{name: "status"}
	scale         = subresourceRow{name: "scale", kind: [3]string{"autoscaling", "v1", "Scale"}}
	proxyVerbs    = []string{"create", "delete", "get", "patch", "update"}
)

func proxy(kind string) subresourceRow {
	return subresourceRow{name: "proxy", kind: [3]string{"", "v1", kind}, verbs: proxyVerbs}
}

func subs(rows ...subresourceRow) []subresourceRow { return rows }

var resourceTable = []groupRow{
	{group: "", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "bindings", kind: "Binding", verbs: onlyCreate},
		{plural: "componentstatuses", kind: "ComponentStatus", short: []string{"cs"}, cluster: true, verbs: []string{"get", "list"}},
		{plural: "configmaps", kind: "ConfigMap", short: []string{"cm"}},
		{plural: "endpoints", kind: "Endpoints", short: []string{"ep"}},
		{plural: "events", kind: "Event", short: []string{"ev"}},
		{plural: "limitranges", kind: "LimitRange", short: []string{"limits"}},
		{plural: "namespaces", kind: "Namespace", short: []string{"ns"}, cluster: true,
			verbs:        []string{"create", "delete", "get", "list", "patch", "update", "watch"},
			subresources: subs(subresourceRow{name: "finalize", verbs: []string{"update"}}, status)},
		{plural: "nodes", kind: "Node", short: []string{"no"}, cluster: true, subresources: subs(proxy("NodeProxyOptions"), status)},
		{plural: "persistentvolumeclaims", kind: "PersistentVolumeClaim", short: []string{"pvc"}, subresources: subs(status)},
		{plural: "persistentvolumes", kind: "PersistentVolume", short: []string{"pv"}, cluster: true, subresources: subs(status)},
		{plural: "pods", kind: "Pod", short: []string{"po"}, categories: all, subresources: subs(
			subresourceRow{name: "attach", kind: [3]string{"", "v1", "PodAttachOptions"}, verbs: []string{"create", "get"}},
			subresourceRow{name: "binding", kind: [3]string{"", "v1", "Binding"}, verbs: onlyCreate},
			subresourceRow{name: "ephemeralcontainers"},
			subresourceRow{name: "eviction", kind: [3]string{"policy", "v1", "Eviction"}, verbs: onlyCreate},
			subresourceRow{name: "exec", kind: [3]string{"", "v1", "PodExecOptions"}, verbs: []string{"create", "get"}},
			subresourceRow{name: "log", verbs: []string{"get"}},
			subresourceRow{name: "portforward", kind: [3]string{"", "v1", "PodPortForwardOptions"}, verbs: []string{"create", "get"}},
			proxy("PodProxyOptions"),
			subresourceRow{name: "resize"},
			status,
		)},
		{plural: "podtemplates", kind: "PodTemplate"},
		{plural: "replicationcontrollers", kind: "ReplicationController", short: []string{"rc"}, categories: all, subresources: subs(scale, status)},
		{plural: "resourcequotas", kind: "ResourceQuota", short: []string{"quota"}, subresources: subs(status)},
		{plural: "secrets", kind: "Secret"},
		{plural: "serviceaccounts", kind: "ServiceAccount", short: []string{"sa"}, subresources: subs(
			subresourceRow{name: "token", kind: [3]string{"authentication.k8s.io", "v1", "TokenRequest"}, verbs: onlyCreate})},
		{plural: "services", kind: "Service", short: []string{"svc"}, categories: all, subresources: subs(proxy("ServiceProxyOptions"), status)},
	}},
	{group: "apiregistration.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "apiservices", kind: "APIService", categories: apiExtensions, cluster: true, subresources: subs(status)},
	}},
	{group: "apps", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "controllerrevisions", kind: "ControllerRevision"},
		{plural: "daemonsets", kind: "DaemonSet", short: []string{"ds"}, categories: all, subresources: subs(status)},
		{plural: "deployments", kind: "Deployment", short: []string{"deploy"}, categories: all, subresources: subs(scale, status)},
		{plural: "replicasets", kind: "ReplicaSet", short: []string{"rs"}, categories: all, subresources: subs(scale, status)},
		{plural: "statefulsets", kind: "StatefulSet", short: []string{"sts"}, categories: all, subresources: subs(scale, status)},
	}},
	{group: "events.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "events", kind: "Event", short: []string{"ev"}, storedInCore: true},
	}},
	{group: "authentication.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "selfsubjectreviews", kind: "SelfSubjectReview", cluster: true, verbs: onlyCreate},
		{plural: "tokenreviews", kind: "TokenReview", cluster: true, verbs: onlyCreate},
	}},
	{group: "authorization.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "localsubjectaccessreviews", kind: "LocalSubjectAccessReview", verbs: onlyCreate},
		{plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", cluster: true, verbs: onlyCreate},
		{plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview", cluster: true, verbs: onlyCreate},
		{plural: "subjectaccessreviews", kind: "SubjectAccessReview", cluster: true, verbs: onlyCreate},
	}},
	{group: "autoscaling", versions: []string{"v2", "v1"}, resources: []resourceRow{
		{plural: "horizontalpodautoscalers", kind: "HorizontalPodAutoscaler", short: []string{"hpa"}, categories: all, subresources: subs(status)},
	}},
	{group: "batch", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "cronjobs", kind: "CronJob", short: []string{"cj"}, categories: all, subresources: subs(status)},
		{plural: "jobs", kind: "Job", categories: all, subresources: subs(status)},
	}},
	{group: "certificates.k8s.io", versions: []string{"v1", "v1beta1", "v1alpha1"}, resources: []resourceRow{
		{plural: "certificatesigningrequests", kind: "CertificateSigningRequest", short: []string{"csr"}, cluster: true,
			subresources: subs(subresourceRow{name: "approval"}, status)},
		{plural: "clustertrustbundles", kind: "ClusterTrustBundle", cluster: true},
		{plural: "podcertificaterequests", kind: "PodCertificateRequest", subresources: subs(status)},
	}},
	{group: "networking.k8s.io", versions: []string{"v1", "v1beta1"}, resources: []resourceRow{
		{plural: "ingressclasses", kind: "IngressClass", cluster: true},
		{plural: "ingresses", kind: "Ingress", short: []string{"ing"}, subresources: subs(status)},
		{plural: "ipaddresses", kind: "IPAddress", short: []string{"ip"}, cluster: true},
		{plural: "networkpolicies", kind: "NetworkPolicy", short: []string{"netpol"}},
		{plural: "servicecidrs", kind: "ServiceCIDR", cluster: true, subresources: subs(status)},
	}},
	{group: "policy", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "poddisruptionbudgets", kind: "PodDisruptionBudget", short: []string{"pdb"}, subresources: subs(status)},
	}},
	{group: "rbac.authorization.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "clusterrolebindings", kind: "ClusterRoleBinding", cluster: true},
		{plural: "clusterroles", kind: "ClusterRole", cluster: true},
		{plural: "rolebindings", kind: "RoleBinding"},
		{plural: "roles", kind: "Role"},
	}},
	{group: "storage.k8s.io", versions: []string{"v1", "v1beta1"}, resources: []resourceRow{
		{plural: "csidrivers", kind: "CSIDriver", cluster: true},
		{plural: "csinodes", kind: "CSINode", cluster: true},
		{plural: "csistoragecapacities", kind: "CSIStorageCapacity"},
		{plural: "storageclasses", kind: "StorageClass", short: []string{"sc"}, cluster: true},
		{plural: "volumeattachments", kind: "VolumeAttachment", cluster: true, subresources: subs(status)},
		{plural: "volumeattributesclasses", kind: "VolumeAttributesClass", short: []string{"vac"}, cluster: true},
	}},
	{group: "admissionregistration.k8s.io", versions: []string{"v1", "v1beta1", "v1alpha1"}, resources: []resourceRow{
		{plural: "mutatingadmissionpolicies", kind: "MutatingAdmissionPolicy", categories: apiExtensions, cluster: true},
		{plural: "mutatingadmissionpolicybindings", kind: "MutatingAdmissionPolicyBinding", categories: apiExtensions, cluster: true},
		{plural: "mutatingwebhookconfigurations", kind: "MutatingWebhookConfiguration", categories: apiExtensions, cluster: true},
		{plural: "validatingadmissionpolicies", kind: "ValidatingAdmissionPolicy", categories: apiExtensions, cluster: true, subresources: subs(status)},
		{plural: "validatingadmissionpolicybindings", kind: "ValidatingAdmissionPolicyBinding", categories: apiExtensions, cluster: true},
		{plural: "validatingwebhookconfigurations", kind: "ValidatingWebhookConfiguration", categories: apiExtensions, cluster: true},
	}},
	{group: "apiextensions.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "customresourcedefinitions", kind: "CustomResourceDefinition", short: []string{"crd", "crds"}, categories: apiExtensions, cluster: true,
			subresources: subs(status)},
	}},
	{group: "scheduling.k8s.io", versions: []string{"v1", "v1alpha2"}, resources: []resourceRow{
		{plural: "podgroups", kind: "PodGroup", subresources: subs(status)},
		{plural: "priorityclasses", kind: "PriorityClass", short: []string{"pc"}, cluster: true},
		{plural: "workloads", kind: "Workload"},
	}},
	{group: "coordination.k8s.io", versions: []string{"v1", "v1beta1", "v1alpha2"}, resources: []resourceRow{
		{plural: "leasecandidates", kind: "LeaseCandidate"},
		{plural: "leases", kind: "Lease"},
	}},
	{group: "node.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "runtimeclasses", kind: "RuntimeClass", cluster: true},
	}},
	{group: "discovery.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "endpointslices", kind: "EndpointSlice"},
	}},
	{group: "resource.k8s.io", versions: []string{"v1", "v1beta2", "v1beta1", "v1alpha3"}, resources: []resourceRow{
		{plural: "deviceclasses", kind: "DeviceClass", cluster: true},
		{plural: "devicetaintrules", kind: "DeviceTaintRule", cluster: true, subresources: subs(status)},
		{plural: "resourceclaims", kind: "ResourceClaim", subresources: subs(status)},
		{plural: "resourceclaimtemplates", kind: "ResourceClaimTemplate"},
		{plural: "resourcepoolstatusrequests", kind: "ResourcePoolStatusRequest", cluster: true, subresources: subs(status)},
		{plural: "resourceslices", kind: "ResourceSlice", cluster: true},
	}},
	{group: "flowcontrol.apiserver.k8s.io", versions: []string{"v1"}, resources: []resourceRow{
		{plural: "flowschemas", kind: "FlowSchema", cluster: true, subresources: subs(status)},
		{plural: "prioritylevelconfigurations", kind: "PriorityLevelConfiguration", cluster: true, subresources: subs(status)},
	}},
	{group: "internal.apiserver.k8s.io", versions: []string{"v1alpha1"}, resources: []resourceRow{
		{plural: "storageversions", kind: "StorageVersion", cluster: true, subresources: subs(status)},
	}},
	{group: "storagemigration.k8s.io", versions: []string{"v1beta1"}, resources: []resourceRow{
		{plural: "storageversionmigrations", kind: "StorageVersionMigration", cluster: true, subresources: subs(status)},
	}},
}
