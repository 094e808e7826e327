package io.kubemu.clients;

import static io.kubemu.clients.Scenarios.NAMESPACE;
import static io.kubemu.clients.Scenarios.TIMEOUT;
import static io.kubemu.clients.Scenarios.control;
import static io.kubemu.clients.Scenarios.eventually;
import static io.kubemu.clients.Scenarios.expect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.gson.reflect.TypeToken;
import io.kubernetes.client.common.KubernetesListObject;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.custom.V1Patch;
import io.kubernetes.client.extended.leaderelection.LeaderElectionConfig;
import io.kubernetes.client.extended.leaderelection.LeaderElector;
import io.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import io.kubernetes.client.informer.ResourceEventHandler;
import io.kubernetes.client.informer.SharedIndexInformer;
import io.kubernetes.client.informer.SharedInformerFactory;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.Configuration;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.apis.AppsV1Api;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.*;
import io.kubernetes.client.util.Config;
import io.kubernetes.client.util.PatchUtils;
import io.kubernetes.client.util.Watch;
import io.kubernetes.client.util.generic.GenericKubernetesApi;
import io.kubernetes.client.util.generic.KubernetesApiResponse;
import io.kubernetes.client.util.generic.options.DeleteOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;

/** The scenarios with the official client. */
final class OfficialSuite {
  private static final int REPLICAS = 20;

  private final ApiClient client;
  private final CoreV1Api core;
  private final AppsV1Api apps;
  private final ObjectMapper mapper = new ObjectMapper();

  private OfficialSuite() throws Exception {
    ApiClient made = Config.fromConfig(System.getenv("KUBECONFIG"));
    OkHttpClient patient = made.getHttpClient().newBuilder().readTimeout(Duration.ZERO).build();
    client = made.setHttpClient(patient);
    Configuration.setDefaultApiClient(client);
    core = new CoreV1Api(client);
    apps = new AppsV1Api(client);
  }

  public static void main(String[] arguments) throws Exception {
    OfficialSuite suite = new OfficialSuite();
    new Scenarios()
        .add("crud", suite::crud)
        .add("generate-name", suite::generateName)
        .add("patches", suite::patches)
        .add("apply", suite::apply)
        .add("pages", suite::pages)
        .add("watch", suite::watch)
        .add("expired", suite::expired)
        .add("informer", suite::informer)
        .add("leader-election", suite::leaderElection)
        .add("status-and-scale", suite::statusAndScale)
        .add("delete-collection", suite::deleteCollection)
        .add("dry-run", suite::dryRun)
        .add("errors", suite::errors)
        .add("maximal-pod", suite::maximalPod)
        .run();
  }

  /** A call of the API. */
  private interface Call {
    Object execute() throws ApiException;
  }

  /** The Status of a call that must be refused with this code. */
  private JsonNode refused(int code, Call call) throws Exception {
    try {
      call.execute();
    } catch (ApiException error) {
      expect(error.getCode() == code, error.getCode() + " instead of " + code + ": " + error.getResponseBody());
      return mapper.readTree(error.getResponseBody());
    }
    throw new AssertionError("not refused with " + code);
  }

  private static <T> T made(Class<T> type, String kind, String name) {
    return JSON.deserialize(Objects.json(kind, name), type);
  }

  private static V1ConfigMap configMap(String name) {
    return made(V1ConfigMap.class, "ConfigMap", name);
  }

  private <T extends KubernetesObject, L extends KubernetesListObject> void crudOf(
      Class<T> type, Class<L> listType, String kind, String plural) throws Exception {
    String[] groupVersion = Objects.apiVersion(kind).split("/");
    String group = groupVersion.length == 2 ? groupVersion[0] : "";
    String version = groupVersion[groupVersion.length - 1];
    GenericKubernetesApi<T, L> api = new GenericKubernetesApi<>(type, listType, group, version, plural, client);
    boolean isNamespaced = !kind.equals("PriorityClass");
    T object = made(type, kind, "crud");
    if (isNamespaced) object.getMetadata().setNamespace(NAMESPACE);
    T created = api.create(object).throwsApiException().getObject();
    V1ObjectMeta metadata = created.getMetadata();
    boolean isComplete =
        metadata.getUid() != null && metadata.getResourceVersion() != null && metadata.getCreationTimestamp() != null;
    expect(isComplete, kind + ": " + metadata);
    L list = (isNamespaced ? api.list(NAMESPACE) : api.list()).throwsApiException().getObject();
    expect(
        list.getItems().stream().anyMatch(item -> metadata.getUid().equals(item.getMetadata().getUid())),
        kind + " is not in its list");
    T replaced =
        eventually(
            () -> {
              T read = (isNamespaced ? api.get(NAMESPACE, "crud") : api.get("crud")).throwsApiException().getObject();
              read.getMetadata().setAnnotations(Map.of("touched", "yes"));
              return api.update(read).throwsApiException().getObject();
            });
    expect("yes".equals(replaced.getMetadata().getAnnotations().get("touched")), kind + " was not replaced");
    expect(!replaced.getMetadata().getResourceVersion().equals(metadata.getResourceVersion()), kind + ": same version");
    DeleteOptions options = new DeleteOptions();
    options.setGracePeriodSeconds(0L);
    options.setPropagationPolicy("Background");
    if (isNamespaced) api.delete(NAMESPACE, "crud", options);
    else api.delete("crud", options);
    eventually(
        () -> {
          KubernetesApiResponse<T> answer = isNamespaced ? api.get(NAMESPACE, "crud") : api.get("crud");
          return check(answer.getHttpStatusCode() == 404, kind + " is still there");
        });
  }

  private static Void check(boolean condition, Object text) {
    expect(condition, text);
    return null;
  }

  private void crud() throws Exception {
    crudOf(V1ConfigMap.class, V1ConfigMapList.class, "ConfigMap", "configmaps");
    crudOf(V1Secret.class, V1SecretList.class, "Secret", "secrets");
    crudOf(V1ServiceAccount.class, V1ServiceAccountList.class, "ServiceAccount", "serviceaccounts");
    crudOf(V1Service.class, V1ServiceList.class, "Service", "services");
    crudOf(V1Pod.class, V1PodList.class, "Pod", "pods");
    crudOf(
        V1PersistentVolumeClaim.class,
        V1PersistentVolumeClaimList.class,
        "PersistentVolumeClaim",
        "persistentvolumeclaims");
    crudOf(V1Deployment.class, V1DeploymentList.class, "Deployment", "deployments");
    crudOf(V1StatefulSet.class, V1StatefulSetList.class, "StatefulSet", "statefulsets");
    crudOf(V1Job.class, V1JobList.class, "Job", "jobs");
    crudOf(V1CronJob.class, V1CronJobList.class, "CronJob", "cronjobs");
    crudOf(V1Ingress.class, V1IngressList.class, "Ingress", "ingresses");
    crudOf(V1NetworkPolicy.class, V1NetworkPolicyList.class, "NetworkPolicy", "networkpolicies");
    crudOf(V1Role.class, V1RoleList.class, "Role", "roles");
    crudOf(
        V1PodDisruptionBudget.class, V1PodDisruptionBudgetList.class, "PodDisruptionBudget", "poddisruptionbudgets");
    crudOf(
        V2HorizontalPodAutoscaler.class,
        V2HorizontalPodAutoscalerList.class,
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers");
    crudOf(V1Lease.class, V1LeaseList.class, "Lease", "leases");
    crudOf(V1PriorityClass.class, V1PriorityClassList.class, "PriorityClass", "priorityclasses");
  }

  private void generateName() throws ApiException {
    Set<String> names = new HashSet<>();
    for (int round = 0; round < 2; round++) {
      V1ConfigMap object = configMap("x");
      object.setMetadata(new V1ObjectMeta().generateName("made-"));
      names.add(core.createNamespacedConfigMap(NAMESPACE, object).execute().getMetadata().getName());
    }
    expect(names.size() == 2 && names.stream().allMatch(name -> name.matches("made-[a-z0-9]{5}")), names);
  }

  private List<String> patch(String format, String body) throws ApiException {
    V1Deployment patched =
        PatchUtils.patch(
            V1Deployment.class,
            () -> apps.patchNamespacedDeployment("patched", NAMESPACE, new V1Patch(body)).buildCall(null),
            format,
            client);
    List<V1Container> containers = patched.getSpec().getTemplate().getSpec().getContainers();
    return containers.stream().map(container -> container.getName() + "=" + container.getImage()).toList();
  }

  private void patches() throws Exception {
    V1Deployment object = made(V1Deployment.class, "Deployment", "patched");
    object.getSpec().getTemplate().getSpec().addContainersItem(new V1Container().name("side").image("busybox:1"));
    apps.createNamespacedDeployment(NAMESPACE, object).execute();
    String containers = "{\"spec\":{\"template\":{\"spec\":{\"containers\":[%s]}}}}";
    String main = containers.formatted("{\"name\":\"main\",\"image\":\"nginx:2\"}");
    List<String> got = patch(V1Patch.PATCH_FORMAT_STRATEGIC_MERGE_PATCH, main);
    expect(got.equals(List.of("main=nginx:2", "side=busybox:1")), got);
    String path = "/spec/template/spec/containers/1/image";
    got =
        patch(
            V1Patch.PATCH_FORMAT_JSON_PATCH,
            "[{\"op\":\"replace\",\"path\":\"%s\",\"value\":\"busybox:2\"}]".formatted(path));
    expect(got.equals(List.of("main=nginx:2", "side=busybox:2")), got);
    String only = containers.formatted("{\"name\":\"only\",\"image\":\"nginx:3\"}");
    got = patch(V1Patch.PATCH_FORMAT_JSON_MERGE_PATCH, only);
    expect(got.equals(List.of("only=nginx:3")), got);
    String test = "[{\"op\":\"test\",\"path\":\"/metadata/name\",\"value\":\"other\"}]";
    refused(422, () -> patch(V1Patch.PATCH_FORMAT_JSON_PATCH, test));
  }

  private Map<String, String> applyAs(String manager, String data, boolean force) throws ApiException {
    String body =
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"applied\"},\"data\":%s}".formatted(data);
    return PatchUtils.patch(
            V1ConfigMap.class,
            () ->
                core.patchNamespacedConfigMap("applied", NAMESPACE, new V1Patch(body))
                    .fieldManager(manager)
                    .force(force)
                    .buildCall(null),
            V1Patch.PATCH_FORMAT_APPLY_YAML,
            client)
        .getData();
  }

  private void apply() throws Exception {
    applyAs("one", "{\"color\":\"blue\",\"size\":\"s\"}", false);
    JsonNode status = refused(409, () -> applyAs("two", "{\"color\":\"red\"}", false));
    JsonNode causes = status.at("/details/causes");
    boolean isRight =
        causes.size() == 1
            && causes.at("/0/field").asText().equals(".data.color")
            && causes.at("/0/message").asText().contains("\"one\"");
    expect(isRight, causes);
    Map<String, String> data = applyAs("two", "{\"color\":\"red\"}", true);
    expect(data.equals(Map.of("color", "red", "size", "s")), data);
    data = applyAs("one", "{\"color\":\"red\"}", false);
    expect(data.equals(Map.of("color", "red")), data);
  }

  private void createLabelled(String name, String key, String value) throws ApiException {
    V1ConfigMap object = configMap(name);
    object.getMetadata().setLabels(Map.of(key, value));
    core.createNamespacedConfigMap(NAMESPACE, object).execute();
  }

  private void pages() throws ApiException {
    for (int index = 0; index < 25; index++) createLabelled("page-%02d".formatted(index), "app", "paged");
    List<String> seen = new ArrayList<>();
    Set<String> versions = new HashSet<>();
    String token = null;
    int pages = 0;
    do {
      V1ConfigMapList page =
          core.listNamespacedConfigMap(NAMESPACE).labelSelector("app=paged").limit(10)._continue(token).execute();
      pages++;
      page.getItems().forEach(item -> seen.add(item.getMetadata().getName()));
      versions.add(page.getMetadata().getResourceVersion());
      token = page.getMetadata().getContinue();
      if (token != null) createLabelled("page-99-" + pages, "app", "paged");
    } while (token != null);
    expect(pages == 3 && seen.size() == 25 && new HashSet<>(seen).size() == 25 && versions.size() == 1, seen);
  }

  private Watch<V1ConfigMap> openWatch(String version) throws ApiException {
    return Watch.createWatch(
        client,
        core.listNamespacedConfigMap(NAMESPACE)
            .labelSelector("app=watched")
            .resourceVersion(version)
            .timeoutSeconds(30)
            .watch(true)
            .buildCall(null),
        new TypeToken<Watch.Response<V1ConfigMap>>() {}.getType());
  }

  private List<String[]> events(String version, int count) throws Exception {
    List<String[]> got = new ArrayList<>();
    try (Watch<V1ConfigMap> watch = openWatch(version)) {
      while (got.size() < count) {
        Watch.Response<V1ConfigMap> event = watch.next();
        String value = event.object.getData().get("key");
        got.add(new String[] {event.type + " " + value, event.object.getMetadata().getResourceVersion()});
      }
    }
    return got;
  }

  private void watch() throws Exception {
    String start = core.listNamespacedConfigMap(NAMESPACE).execute().getMetadata().getResourceVersion();
    V1ConfigMap object = core.createNamespacedConfigMap(NAMESPACE, configMap("watched")).execute();
    object.setData(Map.of("key", "second"));
    object = core.replaceNamespacedConfigMap("watched", NAMESPACE, object).execute();
    object.getMetadata().setLabels(null);
    object = core.replaceNamespacedConfigMap("watched", NAMESPACE, object).execute();
    object.getMetadata().setLabels(Map.of("app", "watched"));
    core.replaceNamespacedConfigMap("watched", NAMESPACE, object).execute();
    core.deleteNamespacedConfigMap("watched", NAMESPACE).execute();
    List<String[]> got = events(start, 5);
    List<String> texts = got.stream().map(event -> event[0]).toList();
    List<String> wanted =
        List.of("ADDED value", "MODIFIED second", "DELETED second", "ADDED second", "DELETED second");
    expect(texts.equals(wanted), texts);
    List<String> resumed = events(got.get(1)[1], 3).stream().map(event -> event[0]).toList();
    expect(resumed.equals(wanted.subList(2, 5)), resumed);
  }

  private void expired() throws Exception {
    V1ConfigMap object = core.createNamespacedConfigMap(NAMESPACE, configMap("expired")).execute();
    String old = object.getMetadata().getResourceVersion();
    object.setData(Map.of("key", "second"));
    core.replaceNamespacedConfigMap("expired", NAMESPACE, object).execute();
    control("compact");
    try (Watch<V1ConfigMap> watch = openWatch(old)) {
      Watch.Response<V1ConfigMap> event = watch.next();
      expect(event.type.equals("ERROR") && event.status.getCode() == 410, event.type);
    } catch (ApiException error) {
      expect(error.getCode() == 410, error);
    }
  }

  private void scale(String name, int replicas) throws ApiException {
    String body = "{\"spec\":{\"replicas\":%d}}".formatted(replicas);
    PatchUtils.patch(
        V1Scale.class,
        () -> apps.patchNamespacedDeploymentScale(name, NAMESPACE, new V1Patch(body)).buildCall(null),
        V1Patch.PATCH_FORMAT_JSON_MERGE_PATCH,
        client);
  }

  private void informer() throws Exception {
    apps.createNamespacedDeployment(NAMESPACE, made(V1Deployment.class, "Deployment", "informed")).execute();
    Map<String, Integer> added = new ConcurrentHashMap<>();
    Map<String, Integer> deleted = new ConcurrentHashMap<>();
    SharedInformerFactory factory = new SharedInformerFactory(client);
    SharedIndexInformer<V1Pod> informer =
        factory.sharedIndexInformerFor(
            parameters ->
                core.listNamespacedPod(NAMESPACE)
                    .labelSelector("app=informed")
                    .resourceVersion(parameters.resourceVersion)
                    .timeoutSeconds(parameters.timeoutSeconds)
                    .watch(parameters.watch)
                    .buildCall(null),
            V1Pod.class,
            V1PodList.class);
    informer.addEventHandler(
        new ResourceEventHandler<>() {
          @Override
          public void onAdd(V1Pod pod) {
            added.merge(pod.getMetadata().getName(), 1, Integer::sum);
          }

          @Override
          public void onUpdate(V1Pod before, V1Pod pod) {}

          @Override
          public void onDelete(V1Pod pod, boolean isStateUnknown) {
            deleted.merge(pod.getMetadata().getName(), 1, Integer::sum);
          }
        });
    factory.startAllRegisteredInformers();
    eventually(() -> check(informer.hasSynced(), "the informer did not sync"));
    scale("informed", REPLICAS);
    eventually(() -> check(added.size() == REPLICAS, added));
    control("restart");
    eventually(
        () -> {
          scale("informed", 0);
          return null;
        });
    eventually(() -> check(deleted.size() == REPLICAS, deleted));
    expect(added.equals(deleted) && new HashSet<>(added.values()).equals(Set.of(1)), added + " " + deleted);
    expect(informer.getIndexer().list().isEmpty(), "the cache is not empty");
    factory.stopAllRegisteredInformers();
  }

  private void leaderElection() throws Exception {
    BlockingQueue<String> leaders = new LinkedBlockingQueue<>();
    Map<String, LeaderElector> electors = new ConcurrentHashMap<>();
    for (String identity : List.of("first", "second")) {
      LeaseLock lock = new LeaseLock(NAMESPACE, "election", identity, client);
      Duration lease = Duration.ofSeconds(3);
      LeaderElector elector =
          new LeaderElector(new LeaderElectionConfig(lock, lease, Duration.ofSeconds(2), Duration.ofMillis(200)));
      electors.put(identity, elector);
      Thread thread = new Thread(() -> elector.run(() -> leaders.add(identity), () -> {}));
      thread.setDaemon(true);
      thread.start();
    }
    String leader = leaders.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    expect(leader != null, "nobody leads");
    electors.get(leader).close();
    String successor = leaders.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    expect(successor != null && !successor.equals(leader), leader + ", then " + successor);
    electors.get(successor).close();
  }

  private static String messageAndImage(V1Pod pod) {
    return pod.getStatus().getMessage() + " " + pod.getSpec().getContainers().get(0).getImage();
  }

  private static V1Pod with(V1Pod pod, String message, String image) {
    pod.getStatus().setMessage(message);
    pod.getSpec().getContainers().get(0).setImage(image);
    return pod;
  }

  private void statusAndScale() throws Exception {
    V1Pod pod = made(V1Pod.class, "Pod", "has-status");
    pod.getSpec().setNodeName("nowhere");
    pod = core.createNamespacedPod(NAMESPACE, pod).execute();
    pod = core.replaceNamespacedPodStatus("has-status", NAMESPACE, with(pod, "written", "other:1")).execute();
    expect(messageAndImage(pod).equals("written nginx:1.25"), messageAndImage(pod));
    pod = core.replaceNamespacedPod("has-status", NAMESPACE, with(pod, "lost", "other:2")).execute();
    expect(messageAndImage(pod).equals("written other:2"), messageAndImage(pod));
    apps.createNamespacedDeployment(NAMESPACE, made(V1Deployment.class, "Deployment", "scaled")).execute();
    scale("scaled", 3);
    eventually(
        () -> {
          V1Scale scale = apps.readNamespacedDeploymentScale("scaled", NAMESPACE).execute();
          return check(scale.getStatus().getReplicas() == 3, scale);
        });
  }

  private void deleteCollection() throws ApiException {
    List<String> groups = List.of("go", "go", "stay");
    for (int index = 0; index < groups.size(); index++) createLabelled("collected-" + index, "group", groups.get(index));
    core.deleteCollectionNamespacedConfigMap(NAMESPACE).labelSelector("group=go").execute();
    List<V1ConfigMap> left = core.listNamespacedConfigMap(NAMESPACE).labelSelector("group").execute().getItems();
    expect(left.size() == 1 && left.get(0).getMetadata().getName().equals("collected-2"), left);
  }

  private void dryRun() throws Exception {
    V1ConfigMap answered = core.createNamespacedConfigMap(NAMESPACE, configMap("dry")).dryRun("All").execute();
    expect(answered.getMetadata().getUid() != null, "the answer has no UID");
    refused(404, () -> core.readNamespacedConfigMap("dry", NAMESPACE).execute());
    V1ConfigMap stored = core.createNamespacedConfigMap(NAMESPACE, configMap("dry")).execute();
    V1ConfigMap changed = core.readNamespacedConfigMap("dry", NAMESPACE).execute();
    changed.setData(Map.of("key", "changed"));
    answered = core.replaceNamespacedConfigMap("dry", NAMESPACE, changed).dryRun("All").execute();
    expect(answered.getData().get("key").equals("changed"), answered.getData());
    core.deleteNamespacedConfigMap("dry", NAMESPACE).dryRun("All").execute();
    V1ConfigMap read = core.readNamespacedConfigMap("dry", NAMESPACE).execute();
    expect(
        read.getMetadata().getResourceVersion().equals(stored.getMetadata().getResourceVersion()),
        "changed all the same");
  }

  private void errors() throws Exception {
    JsonNode status = refused(404, () -> core.readNamespacedConfigMap("missing", NAMESPACE).execute());
    expect(status.at("/message").asText().equals("configmaps \"missing\" not found"), status);
    V1ConfigMap first = core.createNamespacedConfigMap(NAMESPACE, configMap("errors")).execute();
    status = refused(409, () -> core.createNamespacedConfigMap(NAMESPACE, configMap("errors")).execute());
    expect(status.at("/reason").asText().equals("AlreadyExists"), status);
    first.setData(Map.of("key", "new"));
    core.replaceNamespacedConfigMap("errors", NAMESPACE, first).execute();
    status = refused(409, () -> core.replaceNamespacedConfigMap("errors", NAMESPACE, first).execute());
    expect(status.at("/reason").asText().equals("Conflict"), status);
    V1Pod bad = made(V1Pod.class, "Pod", "Not_A_Name");
    bad.getMetadata().setLabels(null);
    bad.getSpec().getContainers().get(0).setImage("");
    status = refused(422, () -> core.createNamespacedPod(NAMESPACE, bad).execute());
    List<String> fields = new ArrayList<>();
    status.at("/details/causes").forEach(cause -> fields.add(cause.at("/field").asText()));
    expect(fields.containsAll(List.of("metadata.name", "spec.containers[0].image")), status);
    status = refused(400, () -> core.listNamespacedConfigMap(NAMESPACE).labelSelector("!!").execute());
    expect(status.at("/reason").asText().equals("BadRequest"), status);
  }

  private void maximalPod() throws Exception {
    String text = Files.readString(Path.of(System.getenv("KUBEMU_POD")));
    core.createNamespacedPod(NAMESPACE, JSON.deserialize(text, V1Pod.class)).execute();
    V1Pod read = core.readNamespacedPod("maximal", NAMESPACE).execute();
    JsonNode written = mapper.readTree(JSON.serialize(read));
    okhttp3.Call call = core.readNamespacedPod("maximal", NAMESPACE).buildCall(null);
    try (okhttp3.Response answer = call.execute()) {
      JsonNode stored = mapper.readTree(answer.body().string());
      // The library leaves them out of what it reads.
      ((ObjectNode) stored.get("metadata")).remove("managedFields");
      List<String> different = Differences.between(stored, written);
      expect(different.isEmpty(), different);
    }
  }
}
