package io.kubemu.clients;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Runs named scenarios and prints a line for each, as README.md of the folder test/clients describes. */
final class Scenarios {
  static final Duration TIMEOUT = Duration.ofSeconds(60);
  static final String NAMESPACE = System.getenv("KUBEMU_NAMESPACE");

  /** What a scenario does; it throws when something is not as it should be. */
  interface Scenario {
    void run() throws Exception;
  }

  private final Map<String, Scenario> scenarios = new LinkedHashMap<>();

  Scenarios add(String name, Scenario scenario) {
    scenarios.put(name, scenario);
    return this;
  }

  /** Runs them in order and ends the process, which fails when one of them does. */
  void run() {
    boolean failed = false;
    for (Map.Entry<String, Scenario> entry : scenarios.entrySet()) {
      try {
        entry.getValue().run();
        System.out.println("PASS " + entry.getKey());
      } catch (Throwable error) {
        failed = true;
        error.printStackTrace();
        System.out.println("FAIL " + entry.getKey() + ": " + String.valueOf(error).replace('\n', ' '));
      }
    }
    System.exit(failed ? 1 : 0);
  }

  /** Asks the runner to do something with the server: "restart" or "compact". */
  static void control(String action) throws Exception {
    URI uri = URI.create(System.getenv("KUBEMU_CONTROL") + "/" + action);
    HttpRequest request = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.noBody()).build();
    HttpResponse<String> answer =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    expect(answer.statusCode() == 200, action + ": " + answer.body());
  }

  static void expect(boolean condition, Object text) {
    if (!condition) throw new AssertionError(String.valueOf(text));
  }

  /** Calls check until it no longer throws; its last error when that takes too long. */
  static <T> T eventually(Callable<T> check) throws Exception {
    long deadline = System.nanoTime() + TIMEOUT.toNanos();
    while (true) {
      try {
        return check.call();
      } catch (Exception | AssertionError error) {
        if (System.nanoTime() > deadline) throw error;
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }
}
