package io.kubemu.clients;

import static io.kubemu.clients.Scenarios.NAMESPACE;
import static io.kubemu.clients.Scenarios.TIMEOUT;
import static io.kubemu.clients.Scenarios.control;
import static io.kubemu.clients.Scenarios.eventually;
import static io.kubemu.clients.Scenarios.expect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ConfigMapList;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.api.model.StatusCause;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.MixedOperation;
import io.fabric8.kubernetes.client.dsl.NonNamespaceOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.RollableScalableResource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfigBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The scenarios with fabric8's client. */
final class Fabric8Suite {
  private static final int REPLICAS = 20;

  private final KubernetesClient client = new KubernetesClientBuilder().build();

  public static void main(String[] arguments) {
    Fabric8Suite suite = new Fabric8Suite();
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

  private NonNamespaceOperation<ConfigMap, ConfigMapList, Resource<ConfigMap>> configMaps() {
    return client.configMaps().inNamespace(NAMESPACE);
  }

  private RollableScalableResource<Deployment> deployment(String name) {
    return client.apps().deployments().inNamespace(NAMESPACE).withName(name);
  }

  private HasMetadata made(String kind, String name) {
    return client.getKubernetesSerialization().unmarshal(Objects.json(kind, name));
  }

  private ConfigMap configMap(String name) {
    return (ConfigMap) made("ConfigMap", name);
  }

  /** The Status of a call that must be refused with this code. */
  private static Status refused(int code, Callable<?> call) throws Exception {
    try {
      call.call();
    } catch (KubernetesClientException error) {
      expect(error.getCode() == code, error.getCode() + " instead of " + code + ": " + error);
      return error.getStatus();
    }
    throw new AssertionError("not refused with " + code);
  }

  private void crudOf(String kind) throws Exception {
    HasMetadata object = made(kind, "crud");
    if (!kind.equals("PriorityClass")) object.getMetadata().setNamespace(NAMESPACE);
    HasMetadata created = client.resource(object).create();
    ObjectMeta metadata = created.getMetadata();
    boolean isComplete =
        metadata.getUid() != null && metadata.getResourceVersion() != null && metadata.getCreationTimestamp() != null;
    expect(isComplete, kind + ": " + metadata);
    List<? extends HasMetadata> items = client.resources(created.getClass()).inAnyNamespace().list().getItems();
    expect(items.stream().anyMatch(item -> item.getMetadata().getUid().equals(metadata.getUid())), kind + ": no list");
    HasMetadata replaced =
        eventually(
            () -> {
              HasMetadata read = client.resource(object).get();
              read.getMetadata().setAnnotations(Map.of("touched", "yes"));
              return client.resource(read).update();
            });
    expect("yes".equals(replaced.getMetadata().getAnnotations().get("touched")), kind + " was not replaced");
    expect(!replaced.getMetadata().getResourceVersion().equals(metadata.getResourceVersion()), kind + ": same version");
    client.resource(object).withGracePeriod(0).withPropagationPolicy(DeletionPropagation.BACKGROUND).delete();
    eventually(
        () -> {
          expect(client.resource(object).get() == null, kind + " is still there");
          return null;
        });
  }

  private void crud() throws Exception {
    for (String kind : Objects.KINDS) crudOf(kind);
  }

  private void generateName() {
    Set<String> names = new HashSet<>();
    for (int round = 0; round < 2; round++) {
      ConfigMap object =
          new ConfigMapBuilder(configMap("x")).editMetadata().withName(null).withGenerateName("made-").endMetadata().build();
      names.add(configMaps().resource(object).create().getMetadata().getName());
    }
    expect(names.size() == 2 && names.stream().allMatch(name -> name.matches("made-[a-z0-9]{5}")), names);
  }

  private static List<String> images(Deployment deployment) {
    List<Container> containers = deployment.getSpec().getTemplate().getSpec().getContainers();
    return containers.stream().map(container -> container.getName() + "=" + container.getImage()).toList();
  }

  private void patches() throws Exception {
    Container side = new ContainerBuilder().withName("side").withImage("busybox:1").build();
    Deployment object =
        new DeploymentBuilder((Deployment) made("Deployment", "patched"))
            .editSpec()
            .editTemplate()
            .editSpec()
            .addToContainers(side)
            .endSpec()
            .endTemplate()
            .endSpec()
            .build();
    client.apps().deployments().inNamespace(NAMESPACE).resource(object).create();
    String containers = "{\"spec\":{\"template\":{\"spec\":{\"containers\":[%s]}}}}";
    String main = containers.formatted("{\"name\":\"main\",\"image\":\"nginx:2\"}");
    List<String> got =
        images(deployment("patched").patch(PatchContext.of(PatchType.STRATEGIC_MERGE), main));
    expect(got.equals(List.of("main=nginx:2", "side=busybox:1")), got);
    String replace =
        "[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/1/image\",\"value\":\"busybox:2\"}]";
    got = images(deployment("patched").patch(PatchContext.of(PatchType.JSON), replace));
    expect(got.equals(List.of("main=nginx:2", "side=busybox:2")), got);
    String only = containers.formatted("{\"name\":\"only\",\"image\":\"nginx:3\"}");
    got = images(deployment("patched").patch(PatchContext.of(PatchType.JSON_MERGE), only));
    expect(got.equals(List.of("only=nginx:3")), got);
    String test = "[{\"op\":\"test\",\"path\":\"/metadata/name\",\"value\":\"other\"}]";
    refused(422, () -> deployment("patched").patch(PatchContext.of(PatchType.JSON), test));
  }

  private void apply() throws Exception {
    Resource<ConfigMap> both = applied(Map.of("color", "blue", "size", "s"));
    both.fieldManager("one").serverSideApply();
    Resource<ConfigMap> red = applied(Map.of("color", "red"));
    Status status = refused(409, () -> red.fieldManager("two").serverSideApply());
    List<StatusCause> causes = status.getDetails().getCauses();
    boolean isRight =
        causes.size() == 1
            && causes.get(0).getField().equals(".data.color")
            && causes.get(0).getMessage().contains("\"one\"");
    expect(isRight, causes);
    Map<String, String> data = red.fieldManager("two").forceConflicts().serverSideApply().getData();
    expect(data.equals(Map.of("color", "red", "size", "s")), data);
    data = red.fieldManager("one").serverSideApply().getData();
    expect(data.equals(Map.of("color", "red")), data);
  }

  private Resource<ConfigMap> applied(Map<String, String> data) {
    ConfigMap object = new ConfigMapBuilder().withNewMetadata().withName("applied").endMetadata().withData(data).build();
    return configMaps().resource(object);
  }

  private ConfigMap labelled(String name, String key, String value) {
    ConfigMap object = configMap(name);
    object.getMetadata().setLabels(Map.of(key, value));
    return object;
  }

  private void pages() {
    for (int index = 0; index < 25; index++)
      configMaps().resource(labelled("page-%02d".formatted(index), "app", "paged")).create();
    List<String> seen = new ArrayList<>();
    Set<String> versions = new HashSet<>();
    String token = null;
    int pages = 0;
    do {
      ListOptions options =
          new ListOptionsBuilder().withLabelSelector("app=paged").withLimit(10L).withContinue(token).build();
      ConfigMapList page = configMaps().list(options);
      pages++;
      page.getItems().forEach(item -> seen.add(item.getMetadata().getName()));
      versions.add(page.getMetadata().getResourceVersion());
      token = page.getMetadata().getContinue();
      if (token != null && !token.isEmpty())
        configMaps().resource(labelled("page-99-" + pages, "app", "paged")).create();
    } while (token != null && !token.isEmpty());
    expect(pages == 3 && seen.size() == 25 && new HashSet<>(seen).size() == 25 && versions.size() == 1, seen);
  }

  /** Events of the watch as text and version, and how it ended. */
  private static final class Events implements Watcher<ConfigMap> {
    final BlockingQueue<String[]> queue = new LinkedBlockingQueue<>();
    final CompletableFuture<WatcherException> end = new CompletableFuture<>();

    @Override
    public void eventReceived(Action action, ConfigMap object) {
      queue.add(new String[] {action + " " + object.getData().get("key"), object.getMetadata().getResourceVersion()});
    }

    @Override
    public void onClose(WatcherException cause) {
      end.complete(cause);
    }

    List<String[]> take(int count) throws InterruptedException {
      List<String[]> taken = new ArrayList<>();
      while (taken.size() < count) {
        String[] event = queue.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        expect(event != null, "no event came behind " + taken.size());
        taken.add(event);
      }
      return taken;
    }
  }

  private Watch openWatch(Events events, String version) {
    ListOptions options = new ListOptionsBuilder().withResourceVersion(version).build();
    return configMaps().withLabel("app", "watched").watch(options, events);
  }

  private void watch() throws Exception {
    String start = configMaps().list().getMetadata().getResourceVersion();
    Events events = new Events();
    List<String> wanted =
        List.of("ADDED value", "MODIFIED second", "DELETED second", "ADDED second", "DELETED second");
    List<String[]> got;
    try (Watch opened = openWatch(events, start)) {
      ConfigMap object = configMaps().resource(configMap("watched")).create();
      object.setData(Map.of("key", "second"));
      object = configMaps().resource(object).update();
      object.getMetadata().setLabels(Map.of());
      object = configMaps().resource(object).update();
      object.getMetadata().setLabels(Map.of("app", "watched"));
      configMaps().resource(object).update();
      configMaps().withName("watched").delete();
      got = events.take(5);
    }
    List<String> texts = got.stream().map(event -> event[0]).toList();
    expect(texts.equals(wanted), texts);
    Events resumed = new Events();
    try (Watch opened = openWatch(resumed, got.get(1)[1])) {
      List<String> again = resumed.take(3).stream().map(event -> event[0]).toList();
      expect(again.equals(wanted.subList(2, 5)), again);
    }
  }

  private void expired() throws Exception {
    ConfigMap object = configMaps().resource(configMap("expired")).create();
    String old = object.getMetadata().getResourceVersion();
    object.setData(Map.of("key", "second"));
    configMaps().resource(object).update();
    control("compact");
    Events events = new Events();
    try (Watch opened = openWatch(events, old)) {
      WatcherException end = events.end.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      expect(end != null && end.isHttpGone(), end);
    } catch (KubernetesClientException error) {
      expect(error.getCode() == 410, error);
    }
  }

  private void informer() throws Exception {
    client.apps().deployments().inNamespace(NAMESPACE).resource((Deployment) made("Deployment", "informed")).create();
    Map<String, Integer> added = new ConcurrentHashMap<>();
    Map<String, Integer> deleted = new ConcurrentHashMap<>();
    ResourceEventHandler<Pod> handler =
        new ResourceEventHandler<>() {
          @Override
          public void onAdd(Pod pod) {
            added.merge(pod.getMetadata().getName(), 1, Integer::sum);
          }

          @Override
          public void onUpdate(Pod before, Pod pod) {}

          @Override
          public void onDelete(Pod pod, boolean isStateUnknown) {
            deleted.merge(pod.getMetadata().getName(), 1, Integer::sum);
          }
        };
    try (SharedIndexInformer<Pod> informer =
        client.pods().inNamespace(NAMESPACE).withLabel("app", "informed").inform(handler)) {
      deployment("informed").scale(REPLICAS);
      eventually(() -> check(added.size() == REPLICAS, added));
      control("restart");
      eventually(() -> deployment("informed").scale(0));
      eventually(() -> check(deleted.size() == REPLICAS, deleted));
      expect(added.equals(deleted) && new HashSet<>(added.values()).equals(Set.of(1)), added + " " + deleted);
      expect(informer.getStore().list().isEmpty(), "the cache is not empty");
    }
  }

  private static Void check(boolean condition, Object text) {
    expect(condition, text);
    return null;
  }

  private void leaderElection() throws Exception {
    BlockingQueue<String> leaders = new LinkedBlockingQueue<>();
    Map<String, CompletableFuture<?>> running = new ConcurrentHashMap<>();
    for (String identity : List.of("first", "second")) {
      LeaderCallbacks callbacks = new LeaderCallbacks(() -> leaders.add(identity), () -> {}, leader -> {});
      running.put(
          identity,
          client
              .leaderElector()
              .withConfig(
                  new LeaderElectionConfigBuilder()
                      .withName("election")
                      .withLock(new LeaseLock(NAMESPACE, "election", identity))
                      .withLeaseDuration(Duration.ofSeconds(3))
                      .withRenewDeadline(Duration.ofSeconds(2))
                      .withRetryPeriod(Duration.ofMillis(200))
                      .withReleaseOnCancel(true)
                      .withLeaderCallbacks(callbacks)
                      .build())
              .build()
              .start());
    }
    String leader = leaders.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    expect(leader != null, "nobody leads");
    running.get(leader).cancel(true);
    String successor = leaders.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    expect(successor != null && !successor.equals(leader), leader + ", then " + successor);
    running.get(successor).cancel(true);
  }

  private static Pod with(Pod pod, String message, String image) {
    return new PodBuilder(pod)
        .editStatus()
        .withMessage(message)
        .endStatus()
        .editSpec()
        .editFirstContainer()
        .withImage(image)
        .endContainer()
        .endSpec()
        .build();
  }

  private static String messageAndImage(Pod pod) {
    return pod.getStatus().getMessage() + " " + pod.getSpec().getContainers().get(0).getImage();
  }

  private void statusAndScale() throws Exception {
    Pod pod = new PodBuilder((Pod) made("Pod", "has-status")).editSpec().withNodeName("nowhere").endSpec().build();
    var pods = client.pods().inNamespace(NAMESPACE);
    pod = pods.resource(pod).create();
    pod = pods.resource(with(pod, "written", "other:1")).updateStatus();
    expect(messageAndImage(pod).equals("written nginx:1.25"), messageAndImage(pod));
    pod = pods.resource(with(pod, "lost", "other:2")).update();
    expect(messageAndImage(pod).equals("written other:2"), messageAndImage(pod));
    client.apps().deployments().inNamespace(NAMESPACE).resource((Deployment) made("Deployment", "scaled")).create();
    deployment("scaled").scale(3);
    eventually(() -> check(deployment("scaled").scale().getStatus().getReplicas() == 3, deployment("scaled").scale()));
  }

  private void deleteCollection() throws Exception {
    List<String> groups = List.of("go", "go", "stay");
    for (int index = 0; index < groups.size(); index++)
      configMaps().resource(labelled("collected-" + index, "group", groups.get(index))).create();
    configMaps().withLabel("group", "go").delete();
    eventually(
        () -> {
          List<ConfigMap> left = configMaps().withLabel("group").list().getItems();
          return check(left.size() == 1 && left.get(0).getMetadata().getName().equals("collected-2"), left);
        });
  }

  private void dryRun() {
    ConfigMap answered = configMaps().resource(configMap("dry")).dryRun().create();
    expect(answered.getMetadata().getUid() != null, "the answer has no UID");
    expect(configMaps().withName("dry").get() == null, "created all the same");
    ConfigMap stored = configMaps().resource(configMap("dry")).create();
    ConfigMap changed = new ConfigMapBuilder(stored).withData(Map.of("key", "changed")).build();
    answered = configMaps().resource(changed).dryRun().update();
    expect(answered.getData().get("key").equals("changed"), answered.getData());
    configMaps().withName("dry").dryRun().delete();
    ConfigMap read = configMaps().withName("dry").get();
    boolean isSame = read.getMetadata().getResourceVersion().equals(stored.getMetadata().getResourceVersion());
    expect(isSame, "changed all the same");
  }

  private void errors() throws Exception {
    expect(configMaps().withName("missing").get() == null, "a missing object was found");
    ConfigMap first = configMaps().resource(configMap("errors")).create();
    Status status = refused(409, () -> configMaps().resource(configMap("errors")).create());
    expect(status.getReason().equals("AlreadyExists"), status);
    ConfigMap changed = new ConfigMapBuilder(first).withData(Map.of("key", "new")).build();
    configMaps().resource(changed).update();
    status = refused(409, () -> configMaps().resource(changed).update());
    expect(status.getReason().equals("Conflict"), status);
    Pod bad = (Pod) made("Pod", "Not_A_Name");
    bad.getMetadata().setLabels(Map.of());
    bad.getSpec().getContainers().get(0).setImage("");
    status = refused(422, () -> client.pods().inNamespace(NAMESPACE).resource(bad).create());
    List<String> fields = status.getDetails().getCauses().stream().map(StatusCause::getField).toList();
    expect(status.getReason().equals("Invalid"), status);
    expect(fields.containsAll(List.of("metadata.name", "spec.containers[0].image")), fields);
    ListOptions options = new ListOptionsBuilder().withLabelSelector("!!").build();
    status = refused(400, () -> configMaps().list(options));
    expect(status.getReason().equals("BadRequest"), status);
  }

  private void maximalPod() throws Exception {
    Pod pod = client.getKubernetesSerialization().unmarshal(new java.io.FileInputStream(new File(System.getenv("KUBEMU_POD"))), Pod.class);
    client.pods().inNamespace(NAMESPACE).resource(pod).create();
    Pod read = client.pods().inNamespace(NAMESPACE).withName("maximal").get();
    ObjectMapper mapper = new ObjectMapper();
    JsonNode written = mapper.readTree(client.getKubernetesSerialization().asJson(read));
    String path = "/api/v1/namespaces/" + NAMESPACE + "/pods/maximal";
    JsonNode stored = mapper.readTree(client.raw(path));
    List<String> different = Differences.between(stored, written);
    expect(different.isEmpty(), different);
  }
}
