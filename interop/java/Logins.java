// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.auth.SaslExtensions;
import org.apache.kafka.common.security.auth.SaslExtensionsCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Reads login cases as a JSON array from stdin and prints a line for each: name, outcome and details,
 * separated by tabs. An outcome is "accepted" with the topics that the client sees, or an error.
 */
public class Logins {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MODULE = "org.apache.kafka.common.security.";

  /** Gets a token from the URL in the JAAS configuration. */
  public static class TokenHandler implements AuthenticateCallbackHandler {
    private String url;

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
      url = (String) entries.get(0).getOptions().get("tokenUrl");
    }

    @Override
    public void handle(Callback[] callbacks) {
      for (Callback callback : callbacks) {
        if (callback instanceof OAuthBearerTokenCallback wanted) wanted.token(fetch());
        else if (callback instanceof SaslExtensionsCallback wanted) wanted.extensions(SaslExtensions.empty());
      }
    }

    private OAuthBearerToken fetch() {
      JsonNode found;
      try {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
        found = JSON.readTree(HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body());
      } catch (Exception error) {
        throw new KafkaException(error);
      }
      return new OAuthBearerToken() {
        @Override
        public String value() {
          return found.get("token").asText();
        }

        @Override
        public Set<String> scope() {
          return Set.of();
        }

        @Override
        public long lifetimeMs() {
          return found.get("expiresAtMs").asLong();
        }

        @Override
        public String principalName() {
          return found.get("subject").asText();
        }

        @Override
        public Long startTimeMs() {
          return System.currentTimeMillis();
        }
      };
    }

    @Override
    public void close() {}
  }

  private static String text(JsonNode login, String key) {
    return login.has(key) ? login.get(key).asText() : null;
  }

  private static Properties settings(JsonNode login) {
    Properties settings = new Properties();
    String protocol = text(login, "protocol");
    settings.put("bootstrap.servers", text(login, "address"));
    settings.put("security.protocol", protocol);
    if (protocol.endsWith("SSL")) {
      settings.put("ssl.truststore.type", "PEM");
      settings.put("ssl.truststore.location", text(login, "ca"));
    }
    if (login.has("keystore")) {
      settings.put("ssl.keystore.type", "PEM");
      settings.put("ssl.keystore.location", text(login, "keystore"));
    }
    String mechanism = text(login, "mechanism");
    if (mechanism != null) {
      settings.put("sasl.mechanism", mechanism);
      String user = " required username=\"" + text(login, "username") + "\" password=\"" + text(login, "password") + "\"";
      if (mechanism.equals("OAUTHBEARER")) {
        settings.put("sasl.login.callback.handler.class", TokenHandler.class.getName());
        settings.put("sasl.jaas.config",
            MODULE + "oauthbearer.OAuthBearerLoginModule required tokenUrl=\"" + text(login, "tokenUrl") + "\";");
      } else if (mechanism.equals("PLAIN")) {
        settings.put("sasl.jaas.config", MODULE + "plain.PlainLoginModule" + user + ";");
      } else {
        String token = login.has("isToken") ? " tokenauth=\"true\"" : "";
        settings.put("sasl.jaas.config", MODULE + "scram.ScramLoginModule" + user + token + ";");
      }
    }
    settings.put("request.timeout.ms", "15000");
    settings.put("default.api.timeout.ms", "15000");
    settings.put("delivery.timeout.ms", "15000");
    settings.put("max.block.ms", "15000");
    settings.put("linger.ms", "0");
    return settings;
  }

  /** Returns the topics that the user sees, after a record has been produced and consumed. */
  private static String use(JsonNode login) throws Exception {
    Properties settings = settings(login);
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      Set<String> topics = new TreeSet<>(consumer.listTopics().keySet());
      try (KafkaProducer<String, String> producer =
          new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
        TopicPartition partition = new TopicPartition(text(login, "topic"), 0);
        String value = "java " + text(login, "name");
        long end = System.currentTimeMillis() + login.get("holdMs").asLong();
        do {
          long offset = producer.send(new ProducerRecord<>(partition.topic(), 0, null, value)).get().offset();
          consumer.assign(Set.of(partition));
          consumer.seek(partition, offset);
          if (!hasRecord(consumer, value)) return "nothing consumed";
          if (System.currentTimeMillis() < end) Thread.sleep(100);
        } while (System.currentTimeMillis() < end);
      }
      return "accepted " + String.join(" ", topics);
    }
  }

  private static boolean hasRecord(KafkaConsumer<String, String> consumer, String value) {
    for (int i = 0; i < 50; i++) {
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
        if (record.value().equals(value)) return true;
      }
    }
    return false;
  }

  private static String outcome(JsonNode login) {
    try {
      return use(login) + "\t";
    } catch (Throwable error) {
      Throwable cause = error;
      while ((cause instanceof ExecutionException || cause.getClass() == KafkaException.class) && cause.getCause() != null) {
        cause = cause.getCause();
      }
      return cause.getClass().getSimpleName() + "\t" + String.valueOf(cause.getMessage()).replaceAll("\\s+", " ");
    }
  }

  public static void main(String[] arguments) throws Exception {
    JsonNode logins = JSON.readTree(System.in);
    ExecutorService threads = Executors.newFixedThreadPool(12);
    for (JsonNode login : logins) {
      threads.submit(() -> System.out.println(text(login, "name") + "\t" + outcome(login)));
    }
    threads.shutdown();
    threads.awaitTermination(100, TimeUnit.SECONDS);
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }
}
