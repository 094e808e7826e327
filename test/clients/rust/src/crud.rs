use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::Role;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::ApiResource;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::objects::new;
use crate::scenario::{eventually, expect};
use crate::{api, refused};

async fn crud_of<K>(api: Api<K>) -> Result<()>
where
    K: kube::Resource + k8s_openapi::Resource + Clone + std::fmt::Debug,
    K: serde::de::DeserializeOwned + serde::Serialize,
{
    let name = "crud";
    let created = api.create(&PostParams::default(), &new::<K>(name, json!({}))).await?;
    expect(
        created.uid().is_some() && created.resource_version().is_some() && created.creation_timestamp().is_some(),
        || format!("metadata is {:?}", created.meta()),
    )?;
    let list = api.list(&ListParams::default()).await?;
    expect(list.iter().any(|item| item.uid() == created.uid()), || "it is not in its list".into())?;
    let replaced = eventually(|| async {
        let mut read = api.get(name).await?;
        read.annotations_mut().insert("touched".into(), "yes".into());
        Ok(api.replace(name, &PostParams::default(), &read).await?)
    })
    .await?;
    expect(
        replaced.annotations().get("touched").is_some_and(|value| value == "yes")
            && replaced.resource_version() != created.resource_version(),
        || "it was not replaced".into(),
    )?;
    api.delete(name, &DeleteParams::background().grace_period(0)).await?;
    eventually(|| async {
        expect(api.get_opt(name).await?.is_none(), || "it is still there".into())
    })
    .await?;
    refused(404, api.get(name).await).map(drop)
}

pub async fn crud(client: &Client) -> Result<()> {
    macro_rules! each {
        ($($kind:ty),* $(,)?) => {
            $(crud_of::<$kind>(api(client)).await.context(stringify!($kind))?;)*
        };
    }
    each!(
        ConfigMap, Secret, ServiceAccount, Service, Pod, PersistentVolumeClaim, Deployment, StatefulSet, Job, CronJob,
        Ingress, NetworkPolicy, Role, PodDisruptionBudget, HorizontalPodAutoscaler, Lease,
    );
    crud_of::<PriorityClass>(Api::all(client.clone())).await.context("PriorityClass")
}

pub async fn generate_name(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let mut object: ConfigMap = new("", json!({"generateName": "made-"}));
        object.metadata.name = None;
        names.insert(config_maps.create(&PostParams::default(), &object).await?.name_any());
    }
    let right = |name: &String| name.starts_with("made-") && name.len() == "made-".len() + 5;
    expect(names.len() == 2 && names.iter().all(right), || format!("the names are {names:?}"))
}

/// The pod as the library's types write it out equals the pod as the server stores it.
pub async fn maximal_pod(client: &Client) -> Result<()> {
    let text = std::fs::read_to_string(std::env::var("KUBEMU_POD")?)?;
    let pod: Pod = serde_json::from_str(&text)?;
    let typed: Api<Pod> = api(client);
    typed.create(&PostParams::default(), &pod).await?;
    let written = serde_json::to_value(typed.get("maximal").await?)?;
    let resource = ApiResource::erase::<Pod>(&());
    let raw: Api<DynamicObject> = Api::namespaced_with(client.clone(), &crate::namespace(), &resource);
    let stored = serde_json::to_value(raw.get("maximal").await?)?;
    let different = differences("", &stored, &written);
    expect(different.is_empty(), || different.join("; "))
}

/// Paths where the two differ; an empty list or map and none are one.
fn differences(path: &str, stored: &Value, written: &Value) -> Vec<String> {
    match (stored, written) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            let none = Value::Null;
            keys.into_iter()
                .flat_map(|key| {
                    let (left, right) = (left.get(key).unwrap_or(&none), right.get(key).unwrap_or(&none));
                    differences(&format!("{path}.{key}"), left, right)
                })
                .collect()
        }
        _ if stored == written => vec![],
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => left
            .iter()
            .zip(right)
            .enumerate()
            .flat_map(|(index, (left, right))| differences(&format!("{path}[{index}]"), left, right))
            .collect(),
        _ => vec![format!("{path} is stored as {stored}, written as {written}")],
    }
}
