use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tokio::time::timeout;

use crate::api;
use crate::objects::new;
use crate::scenario::{TIMEOUT, control, eventually, expect};

const REPLICAS: usize = 20;

pub async fn pages(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    let create = async |name: String| {
        config_maps.create(&PostParams::default(), &new(&name, json!({"labels": {"app": "paged"}}))).await
    };
    for index in 0..25 {
        create(format!("page-{index:02}")).await?;
    }
    let mut params = ListParams::default().labels("app=paged").limit(10);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut versions = std::collections::BTreeSet::new();
    let mut pages = 0;
    loop {
        let page = config_maps.list(&params).await?;
        pages += 1;
        for item in &page {
            *seen.entry(item.name_any()).or_default() += 1;
        }
        versions.insert(page.metadata.resource_version.clone());
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
        create(format!("page-99-{pages}")).await?;
    }
    expect(
        pages == 3 && seen.len() == 25 && seen.values().all(|times| *times == 1) && versions.len() == 1,
        || format!("{pages} pages, {seen:?}, {versions:?}"),
    )
}

/// The next `count` events as text, with the versions of their objects.
async fn events(config_maps: &Api<ConfigMap>, version: &str, count: usize) -> Result<Vec<(String, String)>> {
    let params = WatchParams::default().labels("app=watched");
    let mut stream = config_maps.watch(&params, version).await?.boxed();
    let mut got = vec![];
    while got.len() < count {
        let event = timeout(TIMEOUT, stream.try_next()).await??.context("the watch ended")?;
        let (kind, object) = match event {
            WatchEvent::Added(object) => ("ADDED", object),
            WatchEvent::Modified(object) => ("MODIFIED", object),
            WatchEvent::Deleted(object) => ("DELETED", object),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => bail!("{status:?}"),
        };
        let value = object.data.as_ref().and_then(|data| data.get("key")).cloned().unwrap_or_default();
        got.push((format!("{kind} {value}"), object.resource_version().unwrap_or_default()));
    }
    Ok(got)
}

pub async fn watch(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    let start = config_maps.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
    let params = PostParams::default();
    config_maps.create(&params, &new("watched", json!({}))).await?;
    for change in [
        json!({"data": {"key": "second"}}),
        json!({"metadata": {"labels": null}}),
        json!({"metadata": {"labels": {"app": "watched"}}}),
    ] {
        config_maps.patch("watched", &PatchParams::default(), &Patch::Merge(change)).await?;
    }
    config_maps.delete("watched", &Default::default()).await?;
    let got = events(&config_maps, &start, 5).await?;
    let texts: Vec<&str> = got.iter().map(|(text, _)| text.as_str()).collect();
    let wanted = ["ADDED value", "MODIFIED second", "DELETED second", "ADDED second", "DELETED second"];
    expect(texts == wanted, || format!("the events are {texts:?}"))?;
    let resumed = events(&config_maps, &got[1].1, 3).await?;
    expect(resumed == got[2..], || format!("resumed: {resumed:?}"))
}

pub async fn expired(client: &Client) -> Result<()> {
    let config_maps: Api<ConfigMap> = api(client);
    let object = config_maps.create(&PostParams::default(), &new("expired", json!({}))).await?;
    let change = Patch::Merge(json!({"data": {"key": "second"}}));
    config_maps.patch("expired", &PatchParams::default(), &change).await?;
    control("compact").await?;
    let old = object.resource_version().unwrap_or_default();
    let first = match config_maps.watch(&WatchParams::default(), &old).await {
        Ok(stream) => stream.boxed().try_next().await?,
        Err(error) => bail!(error),
    };
    match first {
        Some(WatchEvent::Error(status)) => expect(status.code == 410, || format!("{status:?}")),
        other => bail!("the old watch began with {other:?}"),
    }
}

async fn scale(client: &Client, replicas: usize) -> Result<()> {
    let deployments: Api<Deployment> = api(client);
    let change = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    deployments.patch_scale("informed", &PatchParams::default(), &change).await?;
    Ok(())
}

/// A reflector with the watcher's own back-off, through a restart of the server.
pub async fn informer(client: &Client) -> Result<()> {
    api::<Deployment>(client).create(&PostParams::default(), &new("informed", json!({}))).await?;
    let (reader, writer) = reflector::store::<Pod>();
    let config = watcher::Config::default().labels("app=informed").streaming_lists();
    let stream = reflector(writer, watcher(api::<Pod>(client), config)).default_backoff();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<(bool, String)>();
    let task = tokio::spawn(async move {
        let mut stream = std::pin::pin!(stream);
        // Errors are part of a restart; the stream goes on behind them.
        while let Some(event) = stream.next().await {
            let seen = match event {
                Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => (true, pod.name_any()),
                Ok(watcher::Event::Delete(pod)) => (false, pod.name_any()),
                _ => continue,
            };
            if sender.send(seen).is_err() {
                return;
            }
        }
    });
    reader.wait_until_ready().await?;
    scale(client, REPLICAS).await?;
    eventually(|| async { expect(reader.len() == REPLICAS, || format!("{} pods", reader.len())) }).await?;
    control("restart").await?;
    eventually(|| scale(client, 0)).await?;
    eventually(|| async { expect(reader.is_empty(), || format!("{} pods left", reader.len())) }).await?;
    task.abort();
    let (mut applied, mut deleted) = (std::collections::BTreeSet::new(), BTreeMap::<String, usize>::new());
    while let Ok((is_there, name)) = receiver.try_recv() {
        if is_there {
            applied.insert(name);
        } else {
            *deleted.entry(name).or_default() += 1;
        }
    }
    expect(
        applied.len() == REPLICAS && deleted.len() == REPLICAS && deleted.values().all(|times| *times == 1),
        || format!("{} pods applied, deleted {deleted:?}", applied.len()),
    )?;
    let left = api::<Pod>(client).list(&ListParams::default().labels("app=informed")).await?;
    expect(left.items.is_empty(), || "a fresh list differs from the reflector".into())
}
