//! Small valid objects of the kinds that the scenarios use.

use serde_json::{Value, json};

/// The content of an object of `kind` beside its metadata.
pub fn content(kind: &str, name: &str) -> Value {
    let selector = json!({"matchLabels": {"app": name}});
    match kind {
        "ConfigMap" => json!({"data": {"key": "value"}}),
        "Secret" => json!({"stringData": {"password": "secret"}}),
        "Service" => json!({"spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}),
        "Pod" => json!({"spec": template(name, "Always")["spec"]}),
        "PersistentVolumeClaim" => json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "1Gi"}},
        }}),
        "Deployment" => json!({"spec": {
            "replicas": 0, "selector": selector, "template": template(name, "Always"),
        }}),
        "StatefulSet" => json!({"spec": {
            "replicas": 0, "serviceName": name, "selector": selector, "template": template(name, "Always"),
        }}),
        "Job" => json!({"spec": {"suspend": true, "template": template(name, "Never")}}),
        "CronJob" => json!({"spec": {
            "schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template(name, "Never")}},
        }}),
        "Ingress" => json!({"spec": {"defaultBackend": {"service": {"name": name, "port": {"number": 80}}}}}),
        "NetworkPolicy" => json!({"spec": {"podSelector": selector}}),
        "Role" => json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
        "PodDisruptionBudget" => json!({"spec": {"selector": selector}}),
        "HorizontalPodAutoscaler" => json!({"spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "maxReplicas": 3,
        }}),
        "Lease" => json!({"spec": {"holderIdentity": "somebody"}}),
        "PriorityClass" => json!({"value": 7}),
        _ => json!({}),
    }
}

fn template(name: &str, policy: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"restartPolicy": policy, "containers": [{"name": "main", "image": "nginx:1.25"}]},
    })
}

/// An object of the library's own type. `metadata` is laid over its name and the label `app`.
pub fn new<K>(name: &str, metadata: Value) -> K
where
    K: k8s_openapi::Resource + serde::de::DeserializeOwned,
{
    let mut object = content(K::KIND, name);
    object["apiVersion"] = json!(K::API_VERSION);
    object["kind"] = json!(K::KIND);
    object["metadata"] = json!({"name": name, "labels": {"app": name}});
    for (key, value) in metadata.as_object().into_iter().flatten() {
        object["metadata"][key] = value.clone();
    }
    serde_json::from_value(object).expect("an object of the kind")
}
