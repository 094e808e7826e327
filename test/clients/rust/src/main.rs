//! The scenarios with kube-rs.

mod changes;
mod crud;
mod objects;
mod scenario;
mod streams;

use kube::{Api, Client};
use scenario::{namespace, run, skip};

/// Typed access to the objects of one kind in the namespace of the suite.
fn api<K>(client: &Client) -> Api<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    Api::namespaced(client.clone(), &namespace())
}

/// The Status of a call that must be refused with this code.
fn refused<T>(code: u16, result: kube::Result<T>) -> anyhow::Result<kube::core::Status> {
    match result {
        Err(kube::Error::Api(status)) if status.code == code => Ok(*status),
        Err(error) => anyhow::bail!("not refused with {code}: {error}"),
        Ok(_) => anyhow::bail!("not refused with {code}"),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = Client::try_default().await?;
    run("crud", crud::crud(&client)).await;
    run("generate-name", crud::generate_name(&client)).await;
    run("patches", changes::patches(&client)).await;
    run("apply", changes::apply(&client)).await;
    run("pages", streams::pages(&client)).await;
    run("watch", streams::watch(&client)).await;
    run("expired", streams::expired(&client)).await;
    run("informer", streams::informer(&client)).await;
    skip("leader-election", "it has no leader election");
    run("status-and-scale", changes::status_and_scale(&client)).await;
    run("delete-collection", changes::delete_collection(&client)).await;
    run("dry-run", changes::dry_run(&client)).await;
    run("errors", changes::errors(&client)).await;
    run("maximal-pod", crud::maximal_pod(&client)).await;
    Ok(())
}
