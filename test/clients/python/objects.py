"""Small valid objects of the kinds that the scenarios use, as plain data."""

API_VERSIONS = {
    "ConfigMap": "v1",
    "Secret": "v1",
    "ServiceAccount": "v1",
    "Service": "v1",
    "Pod": "v1",
    "PersistentVolumeClaim": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Lease": "coordination.k8s.io/v1",
    "PriorityClass": "scheduling.k8s.io/v1",
}


def labels(name):
    return {"app": name}


def template(name, policy="Always"):
    containers = [{"name": "main", "image": "nginx:1.25"}]
    return {"metadata": {"labels": labels(name)}, "spec": {"restartPolicy": policy, "containers": containers}}


def contents(kind, name, replicas=0):
    selector = {"matchLabels": labels(name)}
    return {
        "ConfigMap": {"data": {"key": "value"}},
        "Secret": {"stringData": {"password": "secret"}},
        "ServiceAccount": {},
        "Service": {"spec": {"selector": labels(name), "ports": [{"port": 80}]}},
        "Pod": {"spec": template(name)["spec"]},
        "PersistentVolumeClaim": {
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "",
                "resources": {"requests": {"storage": "1Gi"}},
            }
        },
        "Deployment": {"spec": {"replicas": replicas, "selector": selector, "template": template(name)}},
        "StatefulSet": {
            "spec": {"replicas": 0, "serviceName": name, "selector": selector, "template": template(name)}
        },
        "Job": {"spec": {"suspend": True, "template": template(name, "Never")}},
        "CronJob": {"spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template(name, "Never")}}}},
        "Ingress": {"spec": {"defaultBackend": {"service": {"name": name, "port": {"number": 80}}}}},
        "NetworkPolicy": {"spec": {"podSelector": selector}},
        "Role": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        "PodDisruptionBudget": {"spec": {"selector": selector}},
        "HorizontalPodAutoscaler": {
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "maxReplicas": 3,
            }
        },
        "Lease": {"spec": {"holderIdentity": "somebody"}},
        "PriorityClass": {"value": 7},
    }[kind]


def new(kind, name, metadata=None, **options):
    metadata = {"name": name, **(metadata or {})}
    if kind == "Pod":
        metadata.setdefault("labels", labels(name))
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": metadata, **contents(kind, name, **options)}
