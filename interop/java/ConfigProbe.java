// SPDX-License-Identifier: Apache-2.0
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import kafka.server.KafkaConfig;

/**
 * Prints what Apache Kafka knows of configurations.
 *
 * <p>{@code keys}: one line for each key: table, name, type, default, valid values and whether it is internal.
 *
 * <p>{@code verdicts}: reads one server.properties per line, as {@code key=value&key=value} with both sides URL-encoded,
 * and prints {@code ok} or the message of the exception for each.
 */
public class ConfigProbe {
  private static String encode(Object text) {
    return URLEncoder.encode(String.valueOf(text), StandardCharsets.UTF_8);
  }

  private static String decode(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  private static ConfigDef field(String className, String name) throws Exception {
    Field field = Class.forName(className).getDeclaredField(name);
    field.setAccessible(true);
    return (ConfigDef) field.get(null);
  }

  private static void printKeys(String table, ConfigDef definitions) {
    for (ConfigDef.ConfigKey key : new TreeMap<>(definitions.configKeys()).values()) {
      Object value = key.hasDefault() ? key.defaultValue : null;
      String text = value == null ? "" : ConfigDef.convertToString(value, key.type);
      String valid = key.validator == null ? "" : key.validator.toString();
      System.out.println(String.join("\t", table, key.name, key.type.toString().toLowerCase(), encode(text), encode(valid),
          String.valueOf(key.internalConfig), String.valueOf(value == null)));
    }
  }

  private static String verdict(String line) {
    Properties properties = new Properties();
    for (String pair : line.split("&")) {
      int equals = pair.indexOf('=');
      properties.put(decode(pair.substring(0, equals)), decode(pair.substring(equals + 1)));
    }
    try {
      KafkaConfig.fromProps(properties, false);
      return "ok";
    } catch (Throwable error) {
      return encode(error.getMessage());
    }
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("keys")) {
      printKeys("static", field("org.apache.kafka.server.config.AbstractKafkaConfig", "CONFIG_DEF"));
      printKeys("dynamic", field("org.apache.kafka.server.config.DynamicConfig$Broker", "BROKER_CONFIGS"));
      printKeys("topic", field("org.apache.kafka.storage.internals.log.LogConfig", "CONFIG"));
      printKeys("group", field("org.apache.kafka.coordinator.group.GroupConfig", "CONFIG_DEF"));
      printKeys("clientMetrics", field("org.apache.kafka.server.metrics.ClientMetricsConfigs", "CONFIG"));
      return;
    }
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) System.out.println(verdict(line));
  }
}
