// SPDX-License-Identifier: Apache-2.0
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

/** Answers what Java's client would do, for comparison with ours. */
public class ClientProbe {
  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "murmur2" -> murmur2();
      case "assign" -> assign(args[1]);
      case "produce" -> produce(args);
      case "transactions" -> transactions(args);
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static BufferedReader input() {
    return new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  }

  /** Keys in base64, a line each; prints the hash. */
  private static void murmur2() throws Exception {
    BufferedReader lines = input();
    StringBuilder out = new StringBuilder();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      out.append(Utils.murmur2(Base64.getDecoder().decode(line))).append('\n');
    }
    System.out.print(out);
  }

  /**
   * Cases, a line each: topic=count,... then members id:instance:rack:topic+topic, separated by blanks. Replicas of partition p
   * are on node p % 3, in rack r0 to r2. Prints member=t-p,t-p for each.
   */
  private static void assign(String name) throws Exception {
    ConsumerPartitionAssignor assignor =
        (ConsumerPartitionAssignor)
            Class.forName("org.apache.kafka.clients.consumer." + name)
                .getDeclaredConstructor()
                .newInstance();
    BufferedReader lines = input();
    StringBuilder out = new StringBuilder();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      List<Node> nodes = new ArrayList<>();
      for (int i = 0; i < 3; i++) nodes.add(new Node(i, "h", 1, "r" + i));
      List<PartitionInfo> partitions = new ArrayList<>();
      for (String topic : words[0].split(",")) {
        String[] parts = topic.split("=");
        for (int p = 0; p < Integer.parseInt(parts[1]); p++) {
          Node[] replicas = {nodes.get(p % 3)};
          partitions.add(new PartitionInfo(parts[0], p, replicas[0], replicas, replicas));
        }
      }
      Cluster cluster = new Cluster("c", nodes, partitions, Set.of(), Set.of());
      Map<String, Subscription> members = new HashMap<>();
      for (String word : Arrays.asList(words).subList(1, words.length)) {
        String[] parts = word.split(":", -1);
        Subscription subscription =
            new Subscription(
                List.of(parts[3].split("\\+")),
                null,
                List.of(),
                -1,
                parts[2].isEmpty() ? Optional.empty() : Optional.of(parts[2]));
        if (!parts[1].isEmpty()) subscription.setGroupInstanceId(Optional.of(parts[1]));
        members.put(parts[0], subscription);
      }
      Map<String, String> plan = new TreeMap<>();
      assignor
          .assign(cluster, new GroupSubscription(members))
          .groupAssignment()
          .forEach(
              (member, assignment) ->
                  plan.put(
                      member,
                      assignment.partitions().stream()
                          .map(TopicPartition::toString)
                          .sorted()
                          .collect(Collectors.joining(","))));
      out.append(
              plan.entrySet().stream()
                  .map(entry -> entry.getKey() + "=" + entry.getValue())
                  .collect(Collectors.joining(" ")))
          .append('\n');
    }
    System.out.print(out);
  }

  /** bootstrap topic compression: sends what the test beside sends too. */
  private static void produce(String[] args) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[1]);
    config.put("compression.type", args[3]);
    config.put("linger.ms", "500");
    config.put("batch.size", "131072");
    config.put("client.id", "bytes");
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < 200; i++) {
        byte[] key = i % 3 == 0 ? null : ("key-" + i % 17).getBytes(StandardCharsets.UTF_8);
        byte[] value = i % 11 == 0 ? null : "ä€-".repeat(i).getBytes(StandardCharsets.UTF_8);
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(args[2], 0, 1_700_000_000_000L + (i % 2 == 0 ? i : -i) * 1000L, key, value);
        if (i % 5 == 0) {
          record.headers().add(new RecordHeader("twice", new byte[] {1, 2}));
          record.headers().add(new RecordHeader("twice", (byte[]) null));
          record.headers().add(new RecordHeader("ü", new byte[0]));
        }
        producer.send(record);
      }
    }
  }

  /** bootstrap topic: committed, aborted, committed, open records by turns. */
  private static void transactions(String[] args) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[1]);
    config.put("transactional.id", "probe");
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    producer.initTransactions();
    for (int round = 0; round < 4; round++) {
      producer.beginTransaction();
      for (int i = 0; i < 3; i++) {
        String value = (round % 2 == 0 ? "committed-" : "aborted-") + round + "-" + i;
        producer.send(new ProducerRecord<>(args[2], 0, null, value.getBytes(StandardCharsets.UTF_8)));
      }
      producer.flush();
      if (round % 2 == 0) producer.commitTransaction();
      else producer.abortTransaction();
    }
    producer.beginTransaction();
    producer.send(new ProducerRecord<>(args[2], 0, null, "open".getBytes(StandardCharsets.UTF_8))).get();
    System.out.println("done");
    // The open transaction stays open: the process ends without a close.
    Runtime.getRuntime().halt(0);
  }
}
