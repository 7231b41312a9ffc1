// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A member of a group that prints what it has whenever that changes, and what it reads, until stdin ends. */
public class GroupMember {
  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("group.id", args[1]);
    config.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + args[3]);
    config.put("heartbeat.interval.ms", "200");
    config.put("session.timeout.ms", "6000");
    config.put("auto.offset.reset", "earliest");
    config.put("metadata.max.age.ms", "1000");
    Thread main = Thread.currentThread();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      Runnable show =
          () ->
              System.out.println(
                  "assigned "
                      + consumer.assignment().stream()
                          .map(TopicPartition::partition)
                          .sorted()
                          .map(String::valueOf)
                          .collect(Collectors.joining(",")));
      consumer.subscribe(
          List.of(args[2]),
          new ConsumerRebalanceListener() {
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
              show.run();
            }

            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}
          });
      while (System.in.available() == 0) {
        consumer
            .poll(Duration.ofMillis(100))
            .forEach(record -> System.out.println("read " + record.partition() + " " + record.value()));
      }
    }
  }
}
