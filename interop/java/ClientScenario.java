// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Java kafka-clients: producer, consumer, groups and admin. Prints one outcome a line, the same on every broker. */
public class ClientScenario {
    private static String broker;

    private static Properties config(String... pairs) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", broker);
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        for (int i = 0; i < pairs.length; i += 2) properties.put(pairs[i], pairs[i + 1]);
        return properties;
    }

    private static void outcome(String what, Callable<Object> action) {
        String result;
        try {
            result = String.valueOf(action.call());
        } catch (ExecutionException failure) {
            result = failure.getCause().getClass().getSimpleName();
        } catch (Exception failure) {
            result = failure.getClass().getSimpleName();
        }
        System.out.println(what + ": " + result);
    }

    private static List<String> consume(String topic, String group, int want) {
        List<String> seen = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config("group.id", group,
                "auto.offset.reset", "earliest", "enable.auto.commit", "false"))) {
            consumer.subscribe(List.of(topic));
            long deadline = System.currentTimeMillis() + 20_000;
            while (seen.size() < want && System.currentTimeMillis() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    seen.add(record.key() + "=" + record.value());
                }
            }
            consumer.commitSync();
        }
        Collections.sort(seen);
        return seen;
    }

    private static void clients(String topic, String group) throws Exception {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(config("compression.type", codec))) {
                for (int i = 0; i < 3; i++) {
                    ProducerRecord<String, String> record =
                        new ProducerRecord<>(topic, i % 2, 1000L + i, codec + i, codec.repeat(20));
                    record.headers().add("codec", codec.getBytes());
                    producer.send(record).get();
                }
            }
        }
        consume(topic, group, 15).forEach(line -> System.out.println("consumed " + line));
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config())) {
            producer.send(new ProducerRecord<>(topic, 0, "later", "v")).get();
        }
        System.out.println("resumed " + consume(topic, group, 1));
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 3);
            System.out.println("sought " + consumer.poll(Duration.ofSeconds(10)).iterator().next().offset());
            System.out.println("begin " + consumer.beginningOffsets(List.of(partition)).values());
            System.out.println("end " + consumer.endOffsets(List.of(partition)).values());
            System.out.println("by time " + consumer.offsetsForTimes(Map.of(partition, 1002L)).get(partition).offset());
            outcome("position out of range", () -> {
                Properties none = config("auto.offset.reset", "none");
                try (KafkaConsumer<String, String> strict = new KafkaConsumer<>(none)) {
                    strict.assign(List.of(partition));
                    strict.seek(partition, 999);
                    return strict.poll(Duration.ofSeconds(10)).count();
                }
            });
        }
        outcome("too large", () -> {
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(config("max.request.size", "9000000"))) {
                return producer.send(new ProducerRecord<>(topic, "k", "x".repeat(2_000_000))).get().offset();
            }
        });
        outcome("interceptor-free idempotence", () -> {
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(config("acks", "all", "linger.ms", "0"))) {
                for (int i = 0; i < 200; i++) producer.send(new ProducerRecord<>(topic, 1, "i", "" + i));
                producer.flush();
            }
            List<Integer> values = new ArrayList<>();
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config())) {
                TopicPartition partition = new TopicPartition(topic, 1);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                while (values.size() < 200) {
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(5))) {
                        if ("i".equals(record.key())) values.add(Integer.parseInt(record.value()));
                    }
                }
            }
            List<Integer> sorted = new ArrayList<>(values);
            Collections.sort(sorted);
            return values.size() + " in order " + sorted.equals(values);
        });
    }

    private static void statics(String topic, String group) {
        Properties properties = config("group.id", group, "group.instance.id", "one", "session.timeout.ms", "20000",
            "auto.offset.reset", "earliest");
        for (int i = 0; i < 2; i++) {
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
                consumer.subscribe(List.of(topic));
                int count = 0;
                for (int poll = 0; poll < 50 && count == 0; poll++) {
                    count = consumer.poll(Duration.ofMillis(200)).count();
                    if (i > 0 && !consumer.assignment().isEmpty()) break;
                }
                System.out.println("static member assigned " + consumer.assignment().size() + " generation "
                    + consumer.groupMetadata().generationId());
            }
        }
    }

    private static void administer(Admin admin, String topic, String group) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        TopicPartition zero = new TopicPartition(topic, 0);
        outcome("create again", () -> admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get());
        outcome("create with 0 partitions", () -> admin.createTopics(List.of(new NewTopic(topic + "0", 0, (short) 1))).all().get());
        outcome("create with 3 replicas", () -> admin.createTopics(List.of(new NewTopic(topic + "3", 1, (short) 3))).all().get());
        outcome("create with a bad name", () -> admin.createTopics(List.of(new NewTopic("bad name", 1, (short) 1))).all().get());
        outcome("create with a bad config", () -> admin.createTopics(List.of(new NewTopic(topic + "c", 1, (short) 1)
            .configs(Map.of("retention.ms", "soon")))).all().get());
        outcome("validate only", () -> admin.createTopics(List.of(new NewTopic(topic + "v", Optional.of(2), Optional.empty())),
            new org.apache.kafka.clients.admin.CreateTopicsOptions().validateOnly(true)).numPartitions(topic + "v").get());
        outcome("partitions", () -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size());
        outcome("grow", () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get());
        outcome("shrink", () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all().get());
        outcome("describe missing", () -> admin.describeTopics(List.of("missing")).allTopicNames().get());
        outcome("alter", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "5000000"), AlterConfigOp.OpType.SET),
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND)))).all().get());
        outcome("alter unknown", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.mss", "1"), AlterConfigOp.OpType.SET)))).all().get());
        outcome("alter bad", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "x"), AlterConfigOp.OpType.SET)))).all().get());
        outcome("configs", () -> {
            Map<String, String> entries = new TreeMap<>();
            for (ConfigEntry entry : admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()) {
                entries.put(entry.name(), entry.value() + "/" + entry.source() + "/" + entry.type() + "/" + entry.isReadOnly());
            }
            entries.remove("min.insync.replicas");
            return entries;
        });
        outcome("delete alter", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("cleanup.policy", ""), AlterConfigOp.OpType.DELETE)))).all().get());
        outcome("describe configs of missing", () -> admin.describeConfigs(List.of(
            new ConfigResource(ConfigResource.Type.TOPIC, "missing"))).all().get());
        outcome("latest", () -> admin.listOffsets(Map.of(zero, OffsetSpec.latest())).all().get().get(zero).offset());
        outcome("max timestamp", () -> admin.listOffsets(Map.of(zero, OffsetSpec.maxTimestamp())).all().get().get(zero).offset() > 0);
        outcome("earliest local", () -> admin.listOffsets(Map.of(zero, OffsetSpec.earliestLocal())).all().get().get(zero).offset());
        outcome("latest tiered", () -> admin.listOffsets(Map.of(zero, OffsetSpec.latestTiered())).all().get().get(zero).offset());
        outcome("delete records", () -> admin.deleteRecords(Map.of(zero, RecordsToDelete.beforeOffset(2))).all().get());
        outcome("earliest", () -> admin.listOffsets(Map.of(zero, OffsetSpec.earliest())).all().get().get(zero).offset());
        outcome("delete records beyond", () -> admin.deleteRecords(Map.of(zero, RecordsToDelete.beforeOffset(99999))).all().get());
        outcome("group", () -> {
            var description = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
            return description.groupState() + " " + description.members().size();
        });
        outcome("group missing", () -> admin.describeConsumerGroups(List.of("missing")).all().get());
        outcome("offsets", () -> {
            long sum = 0;
            for (OffsetAndMetadata offset : admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values()) {
                sum += offset.offset();
            }
            return sum;
        });
        outcome("alter offsets", () -> admin.alterConsumerGroupOffsets(group, Map.of(zero, new OffsetAndMetadata(1, "note"))).all().get());
        outcome("altered", () -> admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(zero));
        outcome("alter offsets of missing", () -> admin.alterConsumerGroupOffsets(group,
            Map.of(new TopicPartition("missing", 0), new OffsetAndMetadata(1))).all().get());
        outcome("delete offsets", () -> admin.deleteConsumerGroupOffsets(group, java.util.Set.of(zero)).all().get());
        outcome("elect", () -> admin.electLeaders(ElectionType.PREFERRED, java.util.Set.of(zero)).all().get());
        outcome("reassign", () -> admin.alterPartitionReassignments(Map.of(zero,
            Optional.of(new NewPartitionReassignment(List.of(99))))).all().get());
        outcome("cancel reassignment", () -> admin.alterPartitionReassignments(Map.of(zero, Optional.empty())).all().get());
        outcome("reassignments", () -> admin.listPartitionReassignments().reassignments().get());
        outcome("producers", () -> admin.describeProducers(List.of(zero)).partitionResult(zero).get().activeProducers().size() > 0);
        outcome("log dirs", () -> admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).size());
        outcome("move to nowhere", () -> admin.alterReplicaLogDirs(Map.of(
            new org.apache.kafka.common.TopicPartitionReplica(topic, 0, 1), "/nowhere")).all().get());
        outcome("cluster", () -> admin.describeCluster().nodes().get().size() + " " + admin.describeCluster().controller().get().id());
        outcome("listed groups", () -> new TreeSet<>(admin.listGroups().all().get().stream()
            .filter(listing -> listing.groupId().equals(group)).map(Object::toString).toList()));
        outcome("config resources", () -> admin.listConfigResources(java.util.Set.of(ConfigResource.Type.TOPIC),
            new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all().get().contains(resource));
        outcome("delete group", () -> admin.deleteConsumerGroups(List.of(group)).all().get());
        outcome("delete group again", () -> admin.deleteConsumerGroups(List.of(group)).all().get());
        outcome("delete topic", () -> admin.deleteTopics(List.of(topic)).all().get());
        outcome("delete topic again", () -> admin.deleteTopics(List.of(topic)).all().get());
    }

    public static void main(String[] args) throws Exception {
        broker = args[0];
        String topic = args[1] + "-java";
        String group = args[1] + "-java-group";
        try (Admin admin = Admin.create(config())) {
            admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1))).all().get();
            clients(topic, group);
            statics(topic, group + "-static");
            administer(admin, topic, group);
        }
    }
}
