use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::objects::new;
use crate::scenario::{eventually, expect};
use crate::{api, refused};

fn containers(deployment: &Deployment) -> Vec<(String, String)> {
    let spec = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let all = spec.map(|spec| spec.containers.clone()).unwrap_or_default();
    all.into_iter().map(|container| (container.name, container.image.unwrap_or_default())).collect()
}

fn of_containers(containers: Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": containers}}}})
}

pub async fn patches(client: &Client) -> Result<()> {
    let deployments: Api<Deployment> = api(client);
    let mut object: Deployment = new("patched", json!({}));
    let spec = object.spec.as_mut().and_then(|spec| spec.template.spec.as_mut());
    if let Some(spec) = spec {
        spec.containers.push(serde_json::from_value(json!({"name": "side", "image": "busybox:1"}))?);
    }
    deployments.create(&PostParams::default(), &object).await?;
    let params = PatchParams::default();
    let main = of_containers(json!([{"name": "main", "image": "nginx:2"}]));
    let got = containers(&deployments.patch("patched", &params, &Patch::Strategic(main)).await?);
    let both = [("main".into(), "nginx:2".into()), ("side".into(), "busybox:1".into())];
    expect(got == both, || format!("after the strategic merge patch: {got:?}"))?;
    let change: json_patch::Patch = serde_json::from_value(json!([
        {"op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "busybox:2"}
    ]))?;
    let got = containers(&deployments.patch("patched", &params, &Patch::Json::<()>(change)).await?);
    expect(got[1].1 == "busybox:2", || format!("after the JSON patch: {got:?}"))?;
    let only = of_containers(json!([{"name": "only", "image": "nginx:3"}]));
    let got = containers(&deployments.patch("patched", &params, &Patch::Merge(only)).await?);
    expect(got == [("only".into(), "nginx:3".into())], || format!("after the merge patch: {got:?}"))?;
    let test: json_patch::Patch =
        serde_json::from_value(json!([{"op": "test", "path": "/metadata/name", "value": "other"}]))?;
    refused(422, deployments.patch("patched", &params, &Patch::Json::<()>(test)).await).map(drop)
}

pub async fn apply(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    let apply_as = async |params: PatchParams, data: Value| {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data});
        config_maps.patch("applied", &params, &Patch::Apply(body)).await
    };
    apply_as(PatchParams::apply("one"), json!({"color": "blue", "size": "s"})).await?;
    let status = refused(409, apply_as(PatchParams::apply("two"), json!({"color": "red"})).await)?;
    let causes = status.details.map(|details| details.causes).unwrap_or_default();
    expect(
        causes.len() == 1 && causes[0].field == ".data.color" && causes[0].message.contains("\"one\""),
        || format!("the causes are {causes:?}"),
    )?;
    let forced = apply_as(PatchParams::apply("two").force(), json!({"color": "red"})).await?;
    let wanted = |pairs: &[(&str, &str)]| -> Option<BTreeMap<String, String>> {
        Some(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
    };
    expect(forced.data == wanted(&[("color", "red"), ("size", "s")]), || format!("after force: {:?}", forced.data))?;
    let dropped = apply_as(PatchParams::apply("one"), json!({"color": "red"})).await?;
    expect(dropped.data == wanted(&[("color", "red")]), || format!("a dropped field stays: {:?}", dropped.data))
}

fn message_and_image(pod: &Pod) -> (String, String) {
    let message = pod.status.as_ref().and_then(|status| status.message.clone());
    let image = pod.spec.as_ref().and_then(|spec| spec.containers[0].image.clone());
    (message.unwrap_or_default(), image.unwrap_or_default())
}

fn with_message_and_image(mut pod: Pod, message: &str, image: &str) -> Pod {
    if let Some(status) = pod.status.as_mut() {
        status.message = Some(message.into());
    }
    if let Some(spec) = pod.spec.as_mut() {
        spec.containers[0].image = Some(image.into());
    }
    pod
}

pub async fn status_and_scale(client: &Client) -> Result<()> {
    let pods: Api<Pod> = api(client);
    let mut pod: Pod = new("has-status", json!({}));
    if let Some(spec) = pod.spec.as_mut() {
        spec.node_name = Some("nowhere".into());
    }
    let params = PostParams::default();
    let pod = pods.create(&params, &pod).await?;
    let changed = with_message_and_image(pod, "written", "other:1");
    let pod = pods.replace_status("has-status", &params, &changed).await?;
    let got = message_and_image(&pod);
    expect(got == ("written".into(), "nginx:1.25".into()), || format!("after the status write: {got:?}"))?;
    let changed = with_message_and_image(pod, "lost", "other:2");
    let got = message_and_image(&pods.replace("has-status", &params, &changed).await?);
    expect(got == ("written".into(), "other:2".into()), || format!("after the write: {got:?}"))?;
    let deployments: Api<Deployment> = api(client);
    deployments.create(&params, &new("scaled", json!({}))).await?;
    let three = Patch::Merge(json!({"spec": {"replicas": 3}}));
    deployments.patch_scale("scaled", &PatchParams::default(), &three).await?;
    eventually(|| async {
        let scale = deployments.get_scale("scaled").await?;
        let replicas = scale.status.as_ref().map(|status| status.replicas);
        expect(replicas == Some(3), || format!("the scale is {scale:?}"))
    })
    .await
}

pub async fn delete_collection(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    for (index, group) in ["go", "go", "stay"].iter().enumerate() {
        let object = new(&format!("collected-{index}"), json!({"labels": {"group": group}}));
        config_maps.create(&PostParams::default(), &object).await?;
    }
    config_maps.delete_collection(&DeleteParams::default(), &ListParams::default().labels("group=go")).await?;
    let left = config_maps.list(&ListParams::default().labels("group")).await?;
    let names: Vec<String> = left.iter().map(ResourceExt::name_any).collect();
    expect(names == ["collected-2"], || format!("left are {names:?}"))
}

pub async fn dry_run(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let answered = config_maps.create(&dry, &new("dry", json!({}))).await?;
    expect(answered.uid().is_some(), || "the answer has no UID".into())?;
    refused(404, config_maps.get("dry").await)?;
    let stored = config_maps.create(&PostParams::default(), &new("dry", json!({}))).await?;
    let mut changed = stored.clone();
    changed.data = Some(BTreeMap::from([("key".to_string(), "changed".to_string())]));
    let answered = config_maps.replace("dry", &dry, &changed).await?;
    expect(answered.data == changed.data, || format!("the answer is {:?}", answered.data))?;
    config_maps.delete("dry", &DeleteParams::default().dry_run()).await?;
    let read = config_maps.get("dry").await?;
    expect(read.resource_version() == stored.resource_version(), || "changed all the same".into())
}

pub async fn errors(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    let params = PostParams::default();
    let status = refused(404, config_maps.get("missing").await)?;
    expect(status.is_not_found() && status.message == "configmaps \"missing\" not found", || format!("{status:?}"))?;
    let first = config_maps.create(&params, &new("errors", json!({}))).await?;
    let status = refused(409, config_maps.create(&params, &new("errors", json!({}))).await)?;
    expect(status.is_already_exists(), || format!("{status:?}"))?;
    let mut changed = first.clone();
    changed.data = Some(BTreeMap::from([("key".to_string(), "new".to_string())]));
    config_maps.replace("errors", &params, &changed).await?;
    let status = refused(409, config_maps.replace("errors", &params, &first).await)?;
    expect(status.is_conflict(), || format!("{status:?}"))?;
    let mut bad: Pod = new("Not_A_Name", json!({"labels": {}}));
    bad = with_message_and_image(bad, "", "");
    let status = refused(422, api::<Pod>(client).create(&params, &bad).await)?;
    let causes = status.details.clone().map(|details| details.causes).unwrap_or_default();
    let has = |field: &str| causes.iter().any(|cause| cause.field == field);
    expect(has("metadata.name") && has("spec.containers[0].image"), || format!("the causes are {causes:?}"))?;
    let status = refused(400, config_maps.list(&ListParams::default().labels("!!")).await)?;
    expect(status.reason == "BadRequest", || format!("{status:?}"))
}
