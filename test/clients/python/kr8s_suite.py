"""The scenarios with kr8s, over its asyncio API and, where it has no method of its own, its call_api."""

import asyncio
import json
import os
import re

import kr8s.asyncio
from kr8s import NotFoundError, ServerError
from kr8s.asyncio.objects import ConfigMap, Pod, new_class, object_from_spec

from objects import API_VERSIONS, labels, new
from scenario import NAMESPACE, Skip, TIMEOUT_SECONDS, control, expect, run_all

# Kinds it has no class for; from their names alone it cannot tell the plural nor the scope.
EXTRA = {
    "Lease": new_class("Lease", version="coordination.k8s.io/v1"),
    "PriorityClass": new_class(
        "PriorityClass", version="scheduling.k8s.io/v1", namespaced=False, plural="priorityclasses"
    ),
}
JSON = {"Content-Type": "application/json"}


async def api():
    return await kr8s.asyncio.api(kubeconfig=os.environ["KUBECONFIG"], namespace=NAMESPACE)


async def make(kind, name, metadata=None, **options):
    """An object of the library's own class, not yet created."""
    return await made(new(kind, name, {"namespace": NAMESPACE, **(metadata or {})}, **options))


async def made(body):
    if body["kind"] in EXTRA:
        return EXTRA[body["kind"]](body, api=await api())
    return object_from_spec(body, api=await api(), _asyncio=True)


async def create(kind, name, metadata=None, **options):
    item = await make(kind, name, metadata, **options)
    await item.create()
    return item


async def call(method, url, body=None, headers=JSON, params=None):
    """A call below /api/v1/namespaces/<ours>/ that kr8s has no method for."""
    content = None if body is None else json.dumps(body)
    made_api = await api()
    async with made_api.call_api(
        method, version="v1", namespace=NAMESPACE, url=url, content=content, headers=headers, params=params
    ) as response:
        return response.json()


async def refused(status, awaitable):
    """The Status of a call that must be refused with this code."""
    try:
        await awaitable
    except ServerError as error:
        expect(error.response.status_code == status, f"{error.response.status_code} instead of {status}: {error}")
        return error.status
    raise AssertionError(f"not refused with {status}")


async def eventually(check):
    deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
    while True:
        try:
            return await check()
        except Exception:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.02)


async def crud_of(kind):
    item = await make(kind, "crud")
    await item.create()
    metadata = item.metadata
    expect(metadata.uid and metadata.resourceVersion and metadata.creationTimestamp, f"{kind}: {metadata}")
    found = [other async for other in (await api()).get(type(item), namespace=NAMESPACE)]
    expect(any(other.metadata.uid == metadata.uid for other in found), f"{kind} is not in its list")
    before = metadata.resourceVersion
    await item.annotate(touched="yes")
    await item.refresh()
    expect(item.annotations["touched"] == "yes" and item.metadata.resourceVersion != before, f"{kind} did not change")
    await item.delete(propagation_policy="Background", force=True)

    async def gone():
        expect(not await item.exists(), f"{kind} is still there")

    await eventually(gone)
    try:
        await item.refresh()
    except NotFoundError:
        return
    raise AssertionError(f"{kind} can still be read")


async def crud():
    for kind in API_VERSIONS:
        await crud_of(kind)


async def generate_name():
    names = set()
    for _ in range(2):
        body = new("ConfigMap", "", {"generateName": "made-", "namespace": NAMESPACE})
        del body["metadata"]["name"]
        names.add((await call("POST", "configmaps", body))["metadata"]["name"])
    expect(len(names) == 2 and all(re.fullmatch(r"made-[a-z0-9]{5}", name) for name in names), str(names))


async def patches():
    body = new("Deployment", "patched", {"namespace": NAMESPACE})
    body["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "busybox:1"})
    item = await made(body)
    await item.create()

    def containers():
        return [(one.name, one.image) for one in item.spec.template.spec.containers]

    change = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nginx:2"}]}}}}
    url = f"{item.endpoint}/{item.name}"
    strategic = {"Content-Type": "application/strategic-merge-patch+json"}
    async with (await api()).call_api(
        "PATCH", version=item.version, namespace=NAMESPACE, url=url, content=json.dumps(change), headers=strategic
    ):
        await item.refresh()
    expect(containers() == [("main", "nginx:2"), ("side", "busybox:1")], str(containers()))
    path = "/spec/template/spec/containers/1/image"
    await item.patch([{"op": "replace", "path": path, "value": "busybox:2"}], type="json")
    expect(containers()[1] == ("side", "busybox:2"), str(containers()))
    change["spec"]["template"]["spec"]["containers"] = [{"name": "only", "image": "nginx:3"}]
    await item.patch(change)
    expect(containers() == [("only", "nginx:3")], str(containers()))
    await refused(422, item.patch([{"op": "test", "path": "/metadata/name", "value": "other"}], type="json"))


async def apply():
    async def apply_as(manager, data, **params):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        answer = await call("PATCH", "configmaps/applied", body, headers, {"fieldManager": manager, **params})
        return answer["data"]

    await apply_as("one", {"color": "blue", "size": "s"})
    status = await refused(409, apply_as("two", {"color": "red"}))
    (cause,) = status["details"]["causes"]
    expect(cause["field"] == ".data.color" and '"one"' in cause["message"], str(cause))
    data = await apply_as("two", {"color": "red"}, force="true")
    expect(data == {"color": "red", "size": "s"}, str(data))
    data = await apply_as("one", {"color": "red"})
    expect(data == {"color": "red"}, str(data))


async def pages():
    for index in range(120):
        await create("ConfigMap", f"page-{index:03}", {"labels": labels("paged")})
    seen = []
    # kr8s asks for pages of 100 and goes on by itself.
    async for item in (await api()).get("configmaps", namespace=NAMESPACE, label_selector="app=paged"):
        seen.append(item.name)
        if len(seen) == 50:
            await create("ConfigMap", "page-999", {"labels": labels("paged")})
    expect(len(seen) == len(set(seen)) == 120, f"{len(seen)} seen")


async def watch():
    start = (await call("GET", "configmaps"))["metadata"]["resourceVersion"]

    async def events(since, count):
        got = []
        stream = (await api()).watch("configmaps", namespace=NAMESPACE, label_selector="app=watched", since=since)
        async for kind, item in stream:
            got.append((kind, item.raw.data.key, item.metadata.resourceVersion))
            if len(got) == count:
                await stream.aclose()
                return got

    item = await create("ConfigMap", "watched", {"labels": labels("watched")})
    await item.patch({"data": {"key": "second"}})
    await item.patch({"metadata": {"labels": None}})
    await item.patch({"metadata": {"labels": labels("watched")}})
    await item.delete()
    got = await events(start, 5)
    wanted = [
        ("ADDED", "value"),
        ("MODIFIED", "second"),
        ("DELETED", "second"),
        ("ADDED", "second"),
        ("DELETED", "second"),
    ]
    expect([event[:2] for event in got] == wanted, str(got))
    resumed = await events(got[1][2], 3)
    expect(resumed == got[2:], str(resumed))


async def expired():
    item = await create("ConfigMap", "expired")
    old = item.metadata.resourceVersion
    await item.patch({"data": {"key": "second"}})
    await asyncio.to_thread(control, "compact")
    # The library's own watch begins anew behind the scenes, so the answer is read below it.
    async with (await api()).call_api(
        "GET", version="v1", namespace=NAMESPACE, url="configmaps", params={"watch": "true", "resourceVersion": old}
    ) as response:
        event = json.loads(response.text)
    expect(event["type"] == "ERROR" and event["object"]["code"] == 410, str(event))


async def informer():
    raise Skip("it has no informer")


async def leader_election():
    raise Skip("it has no leader election")


async def status_and_scale():
    deployment = await create("Deployment", "scaled")
    body = new("Pod", "has-status", {"namespace": NAMESPACE})
    body["spec"]["nodeName"] = "nowhere"
    pod = await made(body)
    await pod.create()
    change = {"status": {"message": "written"}, "spec": {"containers": [{"name": "main", "image": "other:1"}]}}
    await pod.patch(change, subresource="status")
    await pod.refresh()
    expect((pod.status.message, pod.spec.containers[0].image) == ("written", "nginx:1.25"), str(pod.status))
    image = {"op": "replace", "path": "/spec/containers/0/image", "value": "other:2"}
    await pod.patch([image, {"op": "replace", "path": "/status/message", "value": "lost"}], type="json")
    await pod.refresh()
    expect((pod.status.message, pod.spec.containers[0].image) == ("written", "other:2"), str(pod.status))
    await deployment.scale(3)
    await deployment.refresh()
    expect(deployment.replicas == 3, str(deployment.spec))


async def delete_collection():
    for index, group in enumerate(["go", "go", "stay"]):
        await create("ConfigMap", f"collected-{index}", {"labels": {"group": group}})
    await call("DELETE", "configmaps", params={"labelSelector": "group=go"})
    left = [item.name async for item in (await api()).get("configmaps", namespace=NAMESPACE, label_selector="group")]
    expect(left == ["collected-2"], str(left))


async def dry_run():
    params = {"dryRun": "All"}
    answered = await call("POST", "configmaps", new("ConfigMap", "dry"), params=params)
    expect(answered["metadata"]["uid"], "the answer has no UID")
    await refused(404, call("GET", "configmaps/dry"))
    stored = await create("ConfigMap", "dry")
    answered = await call("PUT", "configmaps/dry", {**new("ConfigMap", "dry"), "data": {"key": "changed"}}, params=params)
    expect(answered["data"]["key"] == "changed", str(answered))
    await call("DELETE", "configmaps/dry", params=params)
    read = await call("GET", "configmaps/dry")
    expect(read["metadata"]["resourceVersion"] == stored.metadata.resourceVersion, "changed all the same")


async def errors():
    try:
        await ConfigMap.get("missing", namespace=NAMESPACE, api=await api(), timeout=1)
        raise AssertionError("a missing object was found")
    except NotFoundError:
        pass
    first = await create("ConfigMap", "errors")
    status = await refused(409, create("ConfigMap", "errors"))
    expect(status["reason"] == "AlreadyExists", str(status))
    stale = first.to_dict()
    await first.patch({"data": {"key": "new"}})
    status = await refused(409, call("PUT", "configmaps/errors", stale))
    expect(status["reason"] == "Conflict", str(status))
    bad = new("Pod", "Not_A_Name", {"namespace": NAMESPACE, "labels": {}})
    bad["spec"]["containers"][0]["image"] = ""
    status = await refused(422, (await made(bad)).create())
    fields = {cause["field"] for cause in status["details"]["causes"]}
    expect(status["reason"] == "Invalid" and {"metadata.name", "spec.containers[0].image"} <= fields, str(status))
    status = await refused(400, call("GET", "configmaps", params={"labelSelector": "!!"}))
    expect(status["reason"] == "BadRequest", str(status))


async def maximal_pod():
    with open(os.environ["KUBEMU_POD"], encoding="utf8") as file:
        body = json.load(file)
    body["metadata"]["namespace"] = NAMESPACE
    pod = await made(body)
    await pod.create()
    read = await Pod.get("maximal", namespace=NAMESPACE, api=await api())
    stored = await call("GET", "pods/maximal")
    written = read.to_dict()
    for part in ["metadata", "spec", "status"]:
        expect(written[part] == stored[part], f"{part}: {written[part]} {stored[part]}")


def in_loop(scenario):
    return lambda: asyncio.run(scenario())


SCENARIOS = [
    crud,
    generate_name,
    patches,
    apply,
    pages,
    watch,
    expired,
    informer,
    leader_election,
    status_and_scale,
    delete_collection,
    dry_run,
    errors,
    maximal_pod,
]
run_all({scenario.__name__.replace("_", "-"): in_loop(scenario) for scenario in SCENARIOS})
