"""The scenarios with the official client, kubernetes."""

import json
import os
import re
import threading
import queue

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import ADDED, DELETED, SharedInformer
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

from objects import API_VERSIONS, labels, new
from scenario import NAMESPACE, control, eventually, expect, run_all

config.load_kube_config(os.environ["KUBECONFIG"])
core, apps = client.CoreV1Api(), client.AppsV1Api()
APIS = {
    "v1": core,
    "apps/v1": apps,
    "batch/v1": client.BatchV1Api(),
    "networking.k8s.io/v1": client.NetworkingV1Api(),
    "rbac.authorization.k8s.io/v1": client.RbacAuthorizationV1Api(),
    "policy/v1": client.PolicyV1Api(),
    "autoscaling/v2": client.AutoscalingV2Api(),
    "coordination.k8s.io/v1": client.CoordinationV1Api(),
    "scheduling.k8s.io/v1": client.SchedulingV1Api(),
}
MODELS = {"HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler"}
REPLICAS = 20


def model(kind, name, metadata=None, **options):
    """An object of the library's own class."""
    made = getattr(client, MODELS.get(kind, f"V1{kind}"))
    return made.from_dict(new(kind, name, metadata, **options))


def refused(status, call, *arguments, **options):
    """The error of a call that must be refused with this status; its body is a Status."""
    try:
        call(*arguments, **options)
    except ApiException as error:
        expect(error.status == status, f"{error.status} instead of {status}: {error.body}")
        return json.loads(error.body)
    raise AssertionError(f"not refused with {status}")


def crud_of(kind):
    api = APIS[API_VERSIONS[kind]]
    suffix = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    namespaced = kind != "PriorityClass"
    where = {"namespace": NAMESPACE} if namespaced else {}

    def call(verb, **arguments):
        return getattr(api, f"{verb}_{'namespaced_' if namespaced else ''}{suffix}")(**where, **arguments)

    created = call("create", body=model(kind, "crud"))
    metadata = created.metadata
    expect(metadata.uid and metadata.resource_version and metadata.creation_timestamp, f"{kind}: {metadata}")
    expect(any(item.metadata.uid == metadata.uid for item in call("list").items), f"{kind} is not in its list")

    def replace():
        read = call("read", name="crud")
        read.metadata.annotations = {"touched": "yes"}
        return call("replace", name="crud", body=read)

    replaced = eventually(replace)
    expect(replaced.metadata.annotations["touched"] == "yes", f"{kind} was not replaced")
    expect(replaced.metadata.resource_version != metadata.resource_version, f"{kind} keeps its version")
    call("delete", name="crud", grace_period_seconds=0, propagation_policy="Background")
    eventually(lambda: refused(404, call, "read", name="crud"))


def crud():
    for kind in API_VERSIONS:
        crud_of(kind)


def generate_name():
    made = [core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", None, {"generateName": "made-"})) for _ in "ab"]
    names = {item.metadata.name for item in made}
    expect(len(names) == 2 and all(re.fullmatch(r"made-[a-z0-9]{5}", name) for name in names), str(names))


def patches():
    body = new("Deployment", "patched")
    body["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "busybox:1"})
    apps.create_namespaced_deployment(NAMESPACE, client.V1Deployment.from_dict(body))

    def patch(kind, change):
        patched = apps.patch_namespaced_deployment("patched", NAMESPACE, change, _content_type=kind)
        return [(container.name, container.image) for container in patched.spec.template.spec.containers]

    def containers(*wanted):
        return {"spec": {"template": {"spec": {"containers": list(wanted)}}}}

    got = patch("application/strategic-merge-patch+json", containers({"name": "main", "image": "nginx:2"}))
    expect(got == [("main", "nginx:2"), ("side", "busybox:1")], str(got))
    path = "/spec/template/spec/containers/1/image"
    got = patch("application/json-patch+json", [{"op": "replace", "path": path, "value": "busybox:2"}])
    expect(got[1] == ("side", "busybox:2"), str(got))
    got = patch("application/merge-patch+json", containers({"name": "only", "image": "nginx:3"}))
    expect(got == [("only", "nginx:3")], str(got))
    test = [{"op": "test", "path": "/metadata/name", "value": "other"}]
    refused(422, patch, "application/json-patch+json", test)


def apply():
    def apply_as(manager, data, force=None):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data}
        options = {"field_manager": manager, "_content_type": "application/apply-patch+yaml"}
        if force is not None:
            options["force"] = force
        return core.patch_namespaced_config_map("applied", NAMESPACE, body, **options).data

    apply_as("one", {"color": "blue", "size": "s"})
    status = refused(409, apply_as, "two", {"color": "red"})
    (cause,) = status["details"]["causes"]
    expect(cause["field"] == ".data.color" and '"one"' in cause["message"], str(cause))
    data = apply_as("two", {"color": "red"}, force=True)
    expect(data == {"color": "red", "size": "s"}, str(data))
    data = apply_as("one", {"color": "red"})
    expect(data == {"color": "red"}, str(data))


def pages():
    def create(name):
        core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", name, {"labels": labels("paged")}))

    for index in range(25):
        create(f"page-{index:02}")
    seen, versions, token, count = [], set(), None, 0
    while True:
        options = {} if token is None else {"_continue": token}
        page = core.list_namespaced_config_map(NAMESPACE, label_selector="app=paged", limit=10, **options)
        count += 1
        seen += [item.metadata.name for item in page.items]
        versions.add(page.metadata.resource_version)
        token = page.metadata._continue
        if not token:
            break
        create(f"page-99-{count}")
    expect(count == 3 and len(seen) == len(set(seen)) == 25 and len(versions) == 1, f"{count} {seen} {versions}")


def watch_events():
    def events(version, count):
        stream = watch.Watch()
        got = []
        for event in stream.stream(
            core.list_namespaced_config_map,
            NAMESPACE,
            label_selector="app=watched",
            resource_version=version,
            timeout_seconds=30,
        ):
            item = event["object"]
            got.append((event["type"], item.data["key"], item.metadata.resource_version))
            if len(got) == count:
                stream.stop()
        return got

    start = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    item = core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", "watched", {"labels": labels("watched")}))
    item.data["key"] = "second"
    item = core.replace_namespaced_config_map("watched", NAMESPACE, item)
    item.metadata.labels = None
    item = core.replace_namespaced_config_map("watched", NAMESPACE, item)
    item.metadata.labels = labels("watched")
    core.replace_namespaced_config_map("watched", NAMESPACE, item)
    core.delete_namespaced_config_map("watched", NAMESPACE)
    got = events(start, 5)
    wanted = [
        ("ADDED", "value"),
        ("MODIFIED", "second"),
        ("DELETED", "second"),
        ("ADDED", "second"),
        ("DELETED", "second"),
    ]
    expect([event[:2] for event in got] == wanted, str(got))
    resumed = events(got[1][2], 3)
    expect(resumed == got[2:], str(resumed))


def expired():
    item = core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", "expired"))
    old = item.metadata.resource_version
    item.data["key"] = "second"
    core.replace_namespaced_config_map("expired", NAMESPACE, item)
    control("compact")
    try:
        for _ in watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, resource_version=old, timeout_seconds=5):
            raise AssertionError("an event came")
    except ApiException as error:
        expect(error.status == 410, str(error))
        return
    raise AssertionError("the watch ended without an error")


def scale(name, replicas):
    body = {"spec": {"replicas": replicas}}
    apps.patch_namespaced_deployment_scale(name, NAMESPACE, body, _content_type="application/merge-patch+json")


def informer():
    apps.create_namespaced_deployment(NAMESPACE, model("Deployment", "informed"))
    shared = SharedInformer(core.list_namespaced_pod, namespace=NAMESPACE, label_selector="app=informed")
    added, deleted = [], []
    shared.add_event_handler(ADDED, lambda pod: added.append(pod.metadata.name))
    shared.add_event_handler(DELETED, lambda pod: deleted.append(pod.metadata.name))
    shared.start()
    scale("informed", REPLICAS)
    eventually(lambda: expect(len(set(added)) == REPLICAS, f"{len(added)} added"))
    control("restart")
    eventually(lambda: scale("informed", 0))
    eventually(lambda: expect(len(set(deleted)) == REPLICAS, f"{len(deleted)} deleted"))
    expect(sorted(added) == sorted(deleted) == sorted(set(added)), "a pod was reported twice")
    expect(shared.cache.list() == [], "the cache is not empty")
    threading.Thread(target=shared.stop, daemon=True).start()


def leader_election():
    leaders = queue.Queue()

    stops = {"first": threading.Event(), "second": threading.Event()}

    def lead(identity):
        leaders.put(identity)
        stops[identity].wait()
        raise RuntimeError("told to stop, and with that to renew no more")

    for identity in stops:
        election = electionconfig.Config(
            LeaseLock("election", NAMESPACE, identity),
            lease_duration=3,
            renew_deadline=2,
            retry_period=1,
            onstarted_leading=lambda identity=identity: lead(identity),
            onstopped_leading=lambda: None,
        )
        threading.Thread(target=leaderelection.LeaderElection(election).run, daemon=True).start()
    leader = leaders.get(timeout=30)
    stops[leader].set()
    successor = leaders.get(timeout=30)
    expect(successor != leader, f"{leader} leads again")


def status_and_scale():
    apps.create_namespaced_deployment(NAMESPACE, model("Deployment", "scaled"))
    body = model("Pod", "has-status")
    body.spec.node_name = "nowhere"
    pod = core.create_namespaced_pod(NAMESPACE, body)
    pod.status.message = "written"
    pod.spec.containers[0].image = "other:1"
    pod = core.replace_namespaced_pod_status("has-status", NAMESPACE, pod)
    expect((pod.status.message, pod.spec.containers[0].image) == ("written", "nginx:1.25"), str(pod.status))
    pod.status.message = "lost"
    pod.spec.containers[0].image = "other:2"
    pod = core.replace_namespaced_pod("has-status", NAMESPACE, pod)
    expect((pod.status.message, pod.spec.containers[0].image) == ("written", "other:2"), str(pod.status))
    scale("scaled", 3)

    def scaled():
        read = apps.read_namespaced_deployment_scale("scaled", NAMESPACE)
        expect(read.status.replicas == 3 and read.status.selector == "app=scaled", str(read))

    eventually(scaled)


def delete_collection():
    for index, group in enumerate(["go", "go", "stay"]):
        core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", f"collected-{index}", {"labels": {"group": group}}))
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="group=go")
    left = core.list_namespaced_config_map(NAMESPACE, label_selector="group").items
    expect([item.metadata.name for item in left] == ["collected-2"], str(left))


def dry_run():
    answered = core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", "dry"), dry_run="All")
    expect(answered.metadata.uid, "the answer has no UID")
    refused(404, core.read_namespaced_config_map, "dry", NAMESPACE)
    stored = core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", "dry"))
    changed = core.read_namespaced_config_map("dry", NAMESPACE)
    changed.data["key"] = "changed"
    answered = core.replace_namespaced_config_map("dry", NAMESPACE, changed, dry_run="All")
    expect(answered.data["key"] == "changed", str(answered.data))
    core.delete_namespaced_config_map("dry", NAMESPACE, dry_run="All")
    read = core.read_namespaced_config_map("dry", NAMESPACE)
    expect(read.metadata.resource_version == stored.metadata.resource_version, "changed all the same")


def errors():
    status = refused(404, core.read_namespaced_config_map, "missing", NAMESPACE)
    expect(status["reason"] == "NotFound" and status["message"] == 'configmaps "missing" not found', str(status))
    first = core.create_namespaced_config_map(NAMESPACE, model("ConfigMap", "errors"))
    status = refused(409, core.create_namespaced_config_map, NAMESPACE, model("ConfigMap", "errors"))
    expect(status["reason"] == "AlreadyExists", str(status))
    first.data["key"] = "new"
    core.replace_namespaced_config_map("errors", NAMESPACE, first)
    status = refused(409, core.replace_namespaced_config_map, "errors", NAMESPACE, first)
    expect(status["reason"] == "Conflict", str(status))
    bad = model("Pod", "Not_A_Name", {"labels": {}})
    bad.spec.containers[0].image = ""
    status = refused(422, core.create_namespaced_pod, NAMESPACE, bad)
    fields = {cause["field"] for cause in status["details"]["causes"]}
    expect(status["reason"] == "Invalid" and {"metadata.name", "spec.containers[0].image"} <= fields, str(status))
    status = refused(400, core.list_namespaced_config_map, NAMESPACE, label_selector="!!")
    expect(status["reason"] == "BadRequest", str(status))


def maximal_pod():
    with open(os.environ["KUBEMU_POD"], encoding="utf8") as file:
        body = json.load(file)
    core.create_namespaced_pod(NAMESPACE, client.V1Pod.from_dict(body))
    answer = core.read_namespaced_pod("maximal", NAMESPACE, _preload_content=False)
    stored = json.loads(answer.data)
    read = core.read_namespaced_pod("maximal", NAMESPACE)
    written = json.loads(json.dumps(core.api_client.sanitize_for_serialization(read)))
    for part in ["metadata", "spec", "status"]:
        expect(differences(stored[part], written[part]) == [], str(differences(stored[part], written[part])))


def differences(stored, written, path=""):
    """Paths where the two differ; null and absent are one."""
    if isinstance(stored, dict) and isinstance(written, dict):
        found = []
        for key in sorted(stored.keys() | written.keys()):
            left, right = stored.get(key), written.get(key)
            if path == "" and key in ("creationTimestamp", "managedFields"):
                continue
            found += differences(left, right, f"{path}.{key}")
        return found
    if isinstance(stored, list) and isinstance(written, list) and len(stored) == len(written):
        return [found for index, pair in enumerate(zip(stored, written)) for found in differences(*pair, f"{path}[{index}]")]
    same = stored == written or (is_time(stored) and is_time(written) and stored[:19] == written[:19])
    return [] if same else [f"{path}: {stored!r} {written!r}"]


def is_time(value):
    return isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) is not None


run_all(
    {
        "crud": crud,
        "generate-name": generate_name,
        "patches": patches,
        "apply": apply,
        "pages": pages,
        "watch": watch_events,
        "expired": expired,
        "informer": informer,
        "leader-election": leader_election,
        "status-and-scale": status_and_scale,
        "delete-collection": delete_collection,
        "dry-run": dry_run,
        "errors": errors,
        "maximal-pod": maximal_pod,
    }
)
