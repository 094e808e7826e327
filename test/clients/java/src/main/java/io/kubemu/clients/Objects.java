package io.kubemu.clients;

import java.util.List;

/** Small valid objects of the kinds that the scenarios use, as JSON. */
final class Objects {
  private Objects() {}

  static final List<String> KINDS =
      List.of(
          "ConfigMap",
          "Secret",
          "ServiceAccount",
          "Service",
          "Pod",
          "PersistentVolumeClaim",
          "Deployment",
          "StatefulSet",
          "Job",
          "CronJob",
          "Ingress",
          "NetworkPolicy",
          "Role",
          "PodDisruptionBudget",
          "HorizontalPodAutoscaler",
          "Lease",
          "PriorityClass");

  static String apiVersion(String kind) {
    return switch (kind) {
      case "Deployment", "StatefulSet" -> "apps/v1";
      case "Job", "CronJob" -> "batch/v1";
      case "Ingress", "NetworkPolicy" -> "networking.k8s.io/v1";
      case "Role" -> "rbac.authorization.k8s.io/v1";
      case "PodDisruptionBudget" -> "policy/v1";
      case "HorizontalPodAutoscaler" -> "autoscaling/v2";
      case "Lease" -> "coordination.k8s.io/v1";
      case "PriorityClass" -> "scheduling.k8s.io/v1";
      default -> "v1";
    };
  }

  private static String pod(String policy) {
    return """
        {"restartPolicy": "%s", "containers": [{"name": "main", "image": "nginx:1.25"}]}"""
        .formatted(policy);
  }

  private static String template(String name, String policy) {
    return """
        {"metadata": {"labels": {"app": "%s"}}, "spec": %s}"""
        .formatted(name, pod(policy));
  }

  private static String content(String kind, String name) {
    String selector =
        """
        {"matchLabels": {"app": "%s"}}"""
            .formatted(name);
    return switch (kind) {
      case "ConfigMap" -> "\"data\": {\"key\": \"value\"}";
      case "Secret" -> "\"stringData\": {\"password\": \"secret\"}";
      case "Service" -> "\"spec\": {\"selector\": {\"app\": \"%s\"}, \"ports\": [{\"port\": 80}]}".formatted(name);
      case "Pod" -> "\"spec\": " + pod("Always");
      case "PersistentVolumeClaim" ->
          """
          "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "",
                   "resources": {"requests": {"storage": "1Gi"}}}""";
      case "Deployment" ->
          """
          "spec": {"replicas": 0, "selector": %s, "template": %s}"""
              .formatted(selector, template(name, "Always"));
      case "StatefulSet" ->
          """
          "spec": {"replicas": 0, "serviceName": "%s", "selector": %s, "template": %s}"""
              .formatted(name, selector, template(name, "Always"));
      case "Job" ->
          """
          "spec": {"suspend": true, "template": %s}"""
              .formatted(template(name, "Never"));
      case "CronJob" ->
          """
          "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": %s}}}"""
              .formatted(template(name, "Never"));
      case "Ingress" ->
          """
          "spec": {"defaultBackend": {"service": {"name": "%s", "port": {"number": 80}}}}"""
              .formatted(name);
      case "NetworkPolicy" -> "\"spec\": {\"podSelector\": %s}".formatted(selector);
      case "Role" ->
          """
          "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]""";
      case "PodDisruptionBudget" -> "\"spec\": {\"selector\": %s}".formatted(selector);
      case "HorizontalPodAutoscaler" ->
          """
          "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "%s"},
                   "maxReplicas": 3}"""
              .formatted(name);
      case "Lease" -> "\"spec\": {\"holderIdentity\": \"somebody\"}";
      case "PriorityClass" -> "\"value\": 7";
      default -> "";
    };
  }

  /** An object of that kind and name with the label `app`. */
  static String json(String kind, String name) {
    String content = content(kind, name);
    return """
        {"apiVersion": "%s", "kind": "%s", "metadata": {"name": "%s", "labels": {"app": "%s"}}%s}"""
        .formatted(apiVersion(kind), kind, name, name, content.isEmpty() ? "" : ", " + content);
  }
}
