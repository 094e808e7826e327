/** The scenarios with @kubernetes/client-node. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  Watch,
  type V1ConfigMap,
  type V1Deployment,
  type V1Pod,
  type V1Status,
} from '@kubernetes/client-node';
import { KINDS, newObject, type Named } from './objects.ts';
import { control, eventually, expect, NAMESPACE, runAll, Skip } from './scenario.ts';

const REPLICAS = 20;
const config = new KubeConfig();
config.loadFromFile(process.env['KUBECONFIG']!);
const core = config.makeApiClient(CoreV1Api);
const apps = config.makeApiClient(AppsV1Api);
const objects = KubernetesObjectApi.makeApiClient(config);
const namespace = NAMESPACE;

/** The Status of a call that must be refused with this code. */
async function refused(code: number, call: () => Promise<unknown>): Promise<V1Status> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    const { body } = error as ApiException<string | V1Status>;
    expect(error.code === code, `${error.code} instead of ${code}: ${error.message}`);
    return typeof body === 'string' ? (JSON.parse(body) as V1Status) : body;
  }
  throw new Error(`not refused with ${code}`);
}

/** A copy of an object with other members. */
const changed = <T extends object>(object: T, members: Partial<T>): T =>
  Object.assign(Object.create(Object.getPrototypeOf(object) as object) as T, object, members);

const createConfigMap = (name: string, metadata: object = {}): Promise<V1ConfigMap> =>
  core.createNamespacedConfigMap({ namespace, body: newObject<V1ConfigMap>('ConfigMap', name, metadata) });

async function crudOf(kind: string): Promise<void> {
  const where = kind === 'PriorityClass' ? {} : { namespace };
  const object = newObject<Named>(kind, 'crud', where);
  const created = await objects.create(object);
  const { uid, resourceVersion, creationTimestamp } = created.metadata as unknown as Record<string, unknown>;
  expect(![uid, resourceVersion, creationTimestamp].includes(undefined), created.metadata);
  const list = await objects.list(object.apiVersion!, kind, where.namespace);
  expect(
    list.items.some((item) => item.metadata?.uid === uid),
    `${kind} is not in its list`,
  );
  const replaced = await eventually(async () => {
    const read = await objects.read<Named>(object);
    read.metadata.annotations = { touched: 'yes' };
    return objects.replace(read);
  });
  expect(replaced.metadata.resourceVersion !== resourceVersion, `${kind} was not replaced`);
  await objects.delete(object, undefined, undefined, 0, undefined, 'Background');
  await eventually(() => refused(404, () => objects.read<Named>(object)));
}

async function crud(): Promise<void> {
  for (const kind of Object.keys(KINDS)) await crudOf(kind);
}

async function generateName(): Promise<void> {
  const names = new Set<string>();
  for (let round = 0; round < 2; round++) {
    const made = await createConfigMap('', { name: undefined, generateName: 'made-' });
    names.add(made.metadata!.name!);
  }
  expect(names.size === 2 && [...names].every((name) => /^made-[a-z0-9]{5}$/.test(name)), [...names]);
}

const containersOf = (deployment: V1Deployment): string[] =>
  deployment.spec!.template.spec!.containers.map(({ name, image }) => `${name}=${image}`);

async function patches(): Promise<void> {
  const body = newObject<V1Deployment>('Deployment', 'patched');
  body.spec!.template.spec!.containers.push({ name: 'side', image: 'busybox:1' });
  await apps.createNamespacedDeployment({ namespace, body });
  const patch = async (strategy: string, change: object): Promise<string[]> =>
    containersOf(
      await apps.patchNamespacedDeployment(
        { namespace, name: 'patched', body: change },
        setHeaderOptions('Content-Type', strategy),
      ),
    );
  const withContainers = (...containers: object[]): object => ({
    spec: { template: { spec: { containers } } },
  });
  let got = await patch(
    PatchStrategy.StrategicMergePatch,
    withContainers({ name: 'main', image: 'nginx:2' }),
  );
  expect(isDeepStrictEqual(got, ['main=nginx:2', 'side=busybox:1']), got);
  const path = '/spec/template/spec/containers/1/image';
  got = await patch(PatchStrategy.JsonPatch, [{ op: 'replace', path, value: 'busybox:2' }]);
  expect(isDeepStrictEqual(got, ['main=nginx:2', 'side=busybox:2']), got);
  got = await patch(PatchStrategy.MergePatch, withContainers({ name: 'only', image: 'nginx:3' }));
  expect(isDeepStrictEqual(got, ['only=nginx:3']), got);
  await refused(422, () =>
    patch(PatchStrategy.JsonPatch, [{ op: 'test', path: '/metadata/name', value: 'other' }]),
  );
}

async function apply(): Promise<void> {
  const applyAs = async (manager: string, data: Record<string, string>, force?: boolean): Promise<object> => {
    const wanted = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', namespace }, data };
    const applied = await objects.patch<V1ConfigMap>(
      wanted,
      undefined,
      undefined,
      manager,
      force,
      PatchStrategy.ServerSideApply,
    );
    return applied.data!;
  };
  await applyAs('one', { color: 'blue', size: 's' });
  const status = await refused(409, () => applyAs('two', { color: 'red' }));
  const causes = status.details!.causes!;
  expect(
    causes.length === 1 && causes[0]!.field === '.data.color' && causes[0]!.message!.includes('"one"'),
    causes,
  );
  const forced = await applyAs('two', { color: 'red' }, true);
  expect(isDeepStrictEqual(forced, { color: 'red', size: 's' }), forced);
  const dropped = await applyAs('one', { color: 'red' });
  expect(isDeepStrictEqual(dropped, { color: 'red' }), dropped);
}

async function pages(): Promise<void> {
  const create = (name: string): Promise<V1ConfigMap> => createConfigMap(name, { labels: { app: 'paged' } });
  for (let index = 0; index < 25; index++) await create(`page-${String(index).padStart(2, '0')}`);
  const seen: string[] = [];
  const versions = new Set<string>();
  let token: string | undefined;
  let count = 0;
  do {
    const page = await core.listNamespacedConfigMap({
      namespace,
      labelSelector: 'app=paged',
      limit: 10,
      _continue: token,
    });
    count++;
    seen.push(...page.items.map((item) => item.metadata!.name!));
    versions.add(page.metadata!.resourceVersion!);
    token = page.metadata!._continue;
    if (token !== undefined) await create(`page-99-${count}`);
  } while (token !== undefined);
  expect(count === 3 && seen.length === 25 && new Set(seen).size === 25 && versions.size === 1, seen);
}

type WatchEvent = readonly [text: string, version: string];

/** The first `count` events behind `version`; rejects with the Status or error that ends the watch. */
async function events(version: string, count: number): Promise<WatchEvent[]> {
  const got: WatchEvent[] = [];
  return new Promise((resolve, reject) => {
    const opened = new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { labelSelector: 'app=watched', resourceVersion: version },
      (phase, object: V1ConfigMap | V1Status) => {
        if (phase === 'ERROR') {
          reject(object);
          return;
        }
        const item = object as V1ConfigMap;
        got.push([`${phase} ${item.data!['key']}`, item.metadata!.resourceVersion!]);
        if (got.length === count)
          void opened.then((controller) => controller.abort()).then(() => resolve(got));
      },
      (error: unknown) => reject(error ?? new Error('the watch ended')),
    );
    opened.catch(reject);
  });
}

async function watch(): Promise<void> {
  const list = await core.listNamespacedConfigMap({ namespace });
  let item = await createConfigMap('watched');
  const replace = async (change: (item: V1ConfigMap) => void): Promise<void> => {
    change(item);
    item = await core.replaceNamespacedConfigMap({ namespace, name: 'watched', body: item });
  };
  await replace((object) => (object.data!['key'] = 'second'));
  await replace((object) => (object.metadata!.labels = undefined));
  await replace((object) => (object.metadata!.labels = { app: 'watched' }));
  await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
  const got = await events(list.metadata!.resourceVersion!, 5);
  const texts = got.map(([text]) => text);
  const wanted = ['ADDED value', 'MODIFIED second', 'DELETED second', 'ADDED second', 'DELETED second'];
  expect(isDeepStrictEqual(texts, wanted), texts);
  const resumed = await events(got[1]![1], 3);
  expect(isDeepStrictEqual(resumed, got.slice(2)), resumed);
}

async function expired(): Promise<void> {
  const first = await createConfigMap('expired', { labels: { app: 'watched' } });
  const body = changed(first, { data: { key: 'second' } });
  await core.replaceNamespacedConfigMap({ namespace, name: 'expired', body });
  await control('compact');
  const error = await events(first.metadata!.resourceVersion!, 1).then(
    () => undefined,
    (reason: unknown) => reason as { code?: number; statusCode?: number },
  );
  expect(error?.code === 410 || error?.statusCode === 410, `the old watch: ${JSON.stringify(error)}`);
}

async function scale(name: string, replicas: number): Promise<void> {
  await apps.patchNamespacedDeploymentScale(
    { namespace, name, body: { spec: { replicas } } },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  );
}

async function informer(): Promise<void> {
  await apps.createNamespacedDeployment({
    namespace,
    body: newObject<V1Deployment>('Deployment', 'informed'),
  });
  const labelSelector = 'app=informed';
  const shared = makeInformer<V1Pod>(
    config,
    `/api/v1/namespaces/${namespace}/pods`,
    () => core.listNamespacedPod({ namespace, labelSelector }),
    labelSelector,
  );
  const added: string[] = [];
  const deleted: string[] = [];
  shared.on('add', (pod) => added.push(pod.metadata!.name!));
  shared.on('delete', (pod) => deleted.push(pod.metadata!.name!));
  // The library leaves it to its user to begin anew after an error.
  shared.on('error', () => void eventually(() => shared.start()));
  await shared.start();
  await scale('informed', REPLICAS);
  await eventually(() => expect(new Set(added).size === REPLICAS, `${added.length} added`));
  await control('restart');
  await eventually(() => scale('informed', 0));
  await eventually(() => expect(new Set(deleted).size === REPLICAS, `${deleted.length} deleted`));
  expect(added.length === REPLICAS && deleted.length === REPLICAS, `${added.length} ${deleted.length}`);
  expect(shared.list().length === 0, 'the cache is not empty');
  await shared.stop();
}

function leaderElection(): Promise<void> {
  throw new Skip('it has no leader election');
}

const messageAndImage = (pod: V1Pod): string => `${pod.status!.message} ${pod.spec!.containers[0]!.image}`;

function withMessageAndImage(pod: V1Pod, message: string, image: string): V1Pod {
  pod.status!.message = message;
  pod.spec!.containers[0]!.image = image;
  return pod;
}

async function statusAndScale(): Promise<void> {
  const body = newObject<V1Pod>('Pod', 'has-status');
  body.spec!.nodeName = 'nowhere';
  const name = 'has-status';
  let pod = await core.createNamespacedPod({ namespace, body });
  pod = await core.replaceNamespacedPodStatus({
    namespace,
    name,
    body: withMessageAndImage(pod, 'written', 'other:1'),
  });
  expect(messageAndImage(pod) === 'written nginx:1.25', messageAndImage(pod));
  pod = await core.replaceNamespacedPod({
    namespace,
    name,
    body: withMessageAndImage(pod, 'lost', 'other:2'),
  });
  expect(messageAndImage(pod) === 'written other:2', messageAndImage(pod));
  await apps.createNamespacedDeployment({ namespace, body: newObject<V1Deployment>('Deployment', 'scaled') });
  await scale('scaled', 3);
  await eventually(async () => {
    const { status } = await apps.readNamespacedDeploymentScale({ namespace, name: 'scaled' });
    expect(status?.replicas === 3 && status.selector === 'app=scaled', status);
  });
}

async function deleteCollection(): Promise<void> {
  for (const [index, group] of ['go', 'go', 'stay'].entries())
    await createConfigMap(`collected-${index}`, { labels: { group } });
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'group=go' });
  const left = await core.listNamespacedConfigMap({ namespace, labelSelector: 'group' });
  const names = left.items.map((item) => item.metadata!.name);
  expect(isDeepStrictEqual(names, ['collected-2']), names);
}

async function dryRun(): Promise<void> {
  const name = 'dry';
  const body = newObject<V1ConfigMap>('ConfigMap', name);
  const answered = await core.createNamespacedConfigMap({ namespace, body, dryRun: 'All' });
  expect(answered.metadata!.uid !== undefined, 'the answer has no UID');
  await refused(404, () => core.readNamespacedConfigMap({ namespace, name }));
  const stored = await core.createNamespacedConfigMap({ namespace, body });
  const replaced = await core.replaceNamespacedConfigMap({
    namespace,
    name,
    body: changed(stored, { data: { key: 'changed' } }),
    dryRun: 'All',
  });
  expect(replaced.data!['key'] === 'changed', replaced.data);
  await core.deleteNamespacedConfigMap({ namespace, name, dryRun: 'All' });
  const read = await core.readNamespacedConfigMap({ namespace, name });
  expect(read.metadata!.resourceVersion === stored.metadata!.resourceVersion, 'changed all the same');
}

async function errors(): Promise<void> {
  const missing = await refused(404, () => core.readNamespacedConfigMap({ namespace, name: 'missing' }));
  expect(missing.message === 'configmaps "missing" not found', missing);
  const name = 'errors';
  const first = await createConfigMap(name);
  const taken = await refused(409, () => createConfigMap(name));
  expect(taken.reason === 'AlreadyExists', taken);
  await core.replaceNamespacedConfigMap({ namespace, name, body: changed(first, { data: { key: 'new' } }) });
  const stale = await refused(409, () => core.replaceNamespacedConfigMap({ namespace, name, body: first }));
  expect(stale.reason === 'Conflict', stale);
  const bad = newObject<V1Pod>('Pod', 'Not_A_Name', { labels: {} });
  bad.spec!.containers[0]!.image = '';
  const invalid = await refused(422, () => core.createNamespacedPod({ namespace, body: bad }));
  const fields = new Set(invalid.details!.causes!.map(({ field }) => field));
  expect(fields.has('metadata.name') && fields.has('spec.containers[0].image'), invalid);
  const selector = await refused(400, () => core.listNamespacedConfigMap({ namespace, labelSelector: '!!' }));
  expect(selector.reason === 'BadRequest', selector);
}

/** What the typed API reads equals what the untyped one does, times and names of its own apart. */
async function maximalPod(): Promise<void> {
  const body = JSON.parse(readFileSync(process.env['KUBEMU_POD']!, 'utf8')) as Named;
  body.metadata.namespace = namespace;
  await objects.create(body);
  const typed = await core.readNamespacedPod({ namespace, name: 'maximal' });
  const copy = changed(typed, { metadata: { name: 'maximal-copy', namespace } });
  await core.createNamespacedPod({ namespace, body: copy });
  const raw = (name: string): Promise<Named & { spec: object }> =>
    objects.read({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } });
  const [stored, written] = [await raw('maximal'), await raw('maximal-copy')];
  const spec = JSON.stringify(stored.spec);
  expect(spec === JSON.stringify(written.spec), `stored ${spec}, written ${JSON.stringify(written.spec)}`);
}

await runAll({
  crud,
  'generate-name': generateName,
  patches,
  apply,
  pages,
  watch,
  expired,
  informer,
  'leader-election': leaderElection,
  'status-and-scale': statusAndScale,
  'delete-collection': deleteCollection,
  'dry-run': dryRun,
  errors,
  'maximal-pod': maximalPod,
});
