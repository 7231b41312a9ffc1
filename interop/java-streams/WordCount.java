// SPDX-License-Identifier: Apache-2.0
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams counts words exactly once, over a restart and with a second instance. Prints one outcome a line. */
public class WordCount {
  private static String broker;
  private static String id;
  private static String protocol;
  private static final int LINES = 200;

  private static Properties config() {
    Properties config = new Properties();
    config.put("bootstrap.servers", broker);
    config.put("key.serializer", StringSerializer.class.getName());
    config.put("value.serializer", StringSerializer.class.getName());
    config.put("key.deserializer", StringDeserializer.class.getName());
    config.put("value.deserializer", StringDeserializer.class.getName());
    return config;
  }

  private static KafkaStreams start() throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", broker);
    config.put("application.id", id);
    config.put("group.protocol", protocol);
    config.put("processing.guarantee", "exactly_once_v2");
    config.put("state.dir", Files.createTempDirectory("streams").toString());
    config.put("commit.interval.ms", "100");
    config.put("num.stream.threads", "2");
    config.put("default.key.serde", Serdes.StringSerde.class.getName());
    config.put("default.value.serde", Serdes.StringSerde.class.getName());
    config.put("consumer.auto.offset.reset", "earliest");
    if (protocol.equals("classic")) {
      // Streams does not leave such a group when it closes.
      config.put("session.timeout.ms", "6000");
      config.put("heartbeat.interval.ms", "500");
    }
    StreamsBuilder builder = new StreamsBuilder();
    builder.<String, String>stream(id + "-lines")
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word)
        .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
        .toStream()
        .mapValues(String::valueOf)
        .to(id + "-counts", Produced.with(Serdes.String(), Serdes.String()));
    KafkaStreams streams = new KafkaStreams(builder.build(), config);
    streams.start();
    return streams;
  }

  private static void write(int from) throws Exception {
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(config())) {
      for (int i = from; i < from + LINES; i++) {
        producer.send(new ProducerRecord<>(id + "-lines", i % 2, "line", "all odd" + (i % 2) + " word" + (i % 5)));
      }
    }
  }

  /** Reads counts until there is one of `all` that says `want`; every count of it must come exactly once and in order. */
  private static Map<String, String> counts(int want) {
    Properties config = config();
    config.put("isolation.level", "read_committed");
    Map<String, String> last = new TreeMap<>();
    List<Integer> all = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config)) {
      List<TopicPartition> partitions = List.of(new TopicPartition(id + "-counts", 0), new TopicPartition(id + "-counts", 1));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long deadline = System.currentTimeMillis() + 90_000;
      while (!isComplete(last, want) && System.currentTimeMillis() < deadline) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          last.put(record.key(), record.value());
          if (record.key().equals("all")) all.add(Integer.parseInt(record.value()));
        }
      }
    }
    boolean isExact = true;
    for (int i = 1; i < all.size(); i++) isExact &= all.get(i) > all.get(i - 1);
    last.put("in order", String.valueOf(isExact));
    return last;
  }

  private static boolean isComplete(Map<String, String> last, int want) {
    if (!String.valueOf(want).equals(last.get("all"))) return false;
    for (int i = 0; i < 5; i++) if (!String.valueOf(want / 5).equals(last.get("word" + i))) return false;
    for (int i = 0; i < 2; i++) if (!String.valueOf(want / 2).equals(last.get("odd" + i))) return false;
    return true;
  }

  private static void awaitRunning(KafkaStreams streams) throws Exception {
    long deadline = System.currentTimeMillis() + 60_000;
    while (streams.state() != KafkaStreams.State.RUNNING && System.currentTimeMillis() < deadline) Thread.sleep(50);
    System.out.println("state: " + streams.state());
  }

  public static void main(String[] args) throws Exception {
    broker = args[0];
    protocol = args[2];
    id = args[1] + "-streams-" + protocol;
    try (Admin admin = Admin.create(config())) {
      admin.createTopics(List.of(new NewTopic(id + "-lines", 2, (short) 1), new NewTopic(id + "-counts", 2, (short) 1))).all().get();
      write(0);
      KafkaStreams first = start();
      awaitRunning(first);
      System.out.println("counts: " + counts(LINES));
      first.close(Duration.ofSeconds(30));

      KafkaStreams second = start();
      awaitRunning(second);
      write(LINES);
      KafkaStreams third = start();
      awaitRunning(third);
      write(2 * LINES);
      System.out.println("after a restart, with two instances: " + counts(3 * LINES));
      second.close(Duration.ofSeconds(30));
      write(3 * LINES);
      System.out.println("with one again: " + counts(4 * LINES));
      third.close(Duration.ofSeconds(30));

      TreeSet<String> topics = new TreeSet<>();
      for (String name : admin.listTopics().names().get()) if (name.startsWith(id)) topics.add(name);
      System.out.println("topics: " + topics);
      for (String name : topics) {
        System.out.println(name + ": " + admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().size());
      }
      if (protocol.equals("streams")) {
        var group = admin.describeStreamsGroups(List.of(id)).all().get().get(id);
        System.out.println("group: " + group.groupState() + " " + group.subtopologies().size() + " subtopologies");
        group.subtopologies().forEach(each -> System.out.println(each.subtopologyId() + " " + each.sourceTopics() + " "
            + new TreeMap<>(each.repartitionSourceTopics()) + " " + new TreeMap<>(each.stateChangelogTopics())));
      } else {
        var group = admin.describeConsumerGroups(List.of(id)).all().get().get(id);
        System.out.println("group: " + group.groupState() + " " + group.type());
      }
      admin.deleteTopics(topics).all().get(30, TimeUnit.SECONDS);
    }
  }
}
