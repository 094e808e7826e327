package io.kubemu.clients;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Where two JSON documents differ. Null, and an empty list or map, are as good as absent: Java's classes cannot tell. Times
 * are compared as instants.
 */
final class Differences {
  private final List<String> found = new ArrayList<>();

  private Differences() {}

  static List<String> between(JsonNode stored, JsonNode written) {
    Differences differences = new Differences();
    differences.compare("", stored, written);
    return differences.found;
  }

  private void compare(String path, JsonNode stored, JsonNode written) {
    if (isNothing(stored) && isNothing(written)) return;
    if (stored != null && written != null && stored.isObject() && written.isObject()) {
      TreeSet<String> names = new TreeSet<>();
      stored.fieldNames().forEachRemaining(names::add);
      written.fieldNames().forEachRemaining(names::add);
      for (String name : names) compare(path + "." + name, stored.get(name), written.get(name));
    } else if (stored != null && written != null && stored.isArray() && stored.size() == written.size()) {
      for (int index = 0; index < stored.size(); index++)
        compare(path + "[" + index + "]", stored.get(index), written.get(index));
    } else if (stored == null || written == null || !isSame(stored, written)) {
      found.add(path + " is stored as " + stored + ", written as " + written);
    }
  }

  private static boolean isSame(JsonNode stored, JsonNode written) {
    if (stored.equals(written)) return true;
    try {
      return Instant.parse(stored.asText()).equals(Instant.parse(written.asText()));
    } catch (DateTimeParseException noTimes) {
      return false;
    }
  }

  private static boolean isNothing(JsonNode node) {
    return node == null || node.isNull() || (node.isContainerNode() && node.isEmpty());
  }
}
