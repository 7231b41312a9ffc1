// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Java kafka-clients: transactions, consumer groups (KIP-848) and share groups (KIP-932). Prints one outcome a line. */
public class GuaranteesScenario {
    private static String broker;
    private static String prefix;
    private static Admin admin;

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

    private static String topic(String name, int partitions) throws Exception {
        String topic = prefix + "-" + name;
        admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
        return topic;
    }

    private static void produce(String topic, int partitions, int from, int count) throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config())) {
            for (int i = from; i < from + count; i++) producer.send(new ProducerRecord<>(topic, i % partitions, "k", "v" + i));
        }
    }

    private static List<String> committed(String topic) {
        List<String> seen = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config("isolation.level", "read_committed"))) {
            List<TopicPartition> partitions = List.of(new TopicPartition(topic, 0));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long end = consumer.endOffsets(partitions).get(partitions.get(0));
            while (consumer.position(partitions.get(0)) < end)
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(5))) seen.add(record.value());
        }
        return seen;
    }

    private static void transactions() throws Exception {
        String from = topic("tx-in", 1), to = topic("tx-out", 1);
        String id = prefix + "-id", group = prefix + "-tx-group";
        produce(from, 1, 0, 6);
        Properties consuming = config("group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", "false");
        KafkaProducer<String, String> first = new KafkaProducer<>(config("transactional.id", id));
        first.initTransactions();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(consuming)) {
            consumer.subscribe(List.of(from));
            List<ConsumerRecord<String, String>> read = new ArrayList<>();
            while (read.size() < 6) consumer.poll(Duration.ofMillis(200)).forEach(read::add);
            for (int i = 0; i < 6; i += 2) {
                first.beginTransaction();
                for (int k = i; k < i + 2; k++) first.send(new ProducerRecord<>(to, 0, "k", "moved " + read.get(k).value()));
                first.flush();
                first.sendOffsetsToTransaction(Map.of(new TopicPartition(from, 0), new OffsetAndMetadata(i + 2)), consumer.groupMetadata());
                if (i == 2) first.abortTransaction();
                else first.commitTransaction();
            }
        }
        outcome("committed", () -> committed(to));
        outcome("offset", () -> admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(new TopicPartition(from, 0)).offset());
        KafkaProducer<String, String> second = new KafkaProducer<>(config("transactional.id", id));
        second.initTransactions();
        outcome("fenced", () -> {
            first.beginTransaction();
            first.send(new ProducerRecord<>(to, 0, "k", "zombie")).get(20, TimeUnit.SECONDS);
            first.commitTransaction();
            return "not at all";
        });
        first.close(Duration.ofSeconds(1));
        second.beginTransaction();
        second.send(new ProducerRecord<>(to, 0, "k", "open")).get();
        outcome("described", () -> {
            var description = admin.describeTransactions(List.of(id)).description(id).get();
            return description.state() + " " + description.topicPartitions() + " " + description.transactionTimeoutMs();
        });
        outcome("listed", () -> admin.listTransactions().all().get().stream().filter(each -> each.transactionalId().equals(id)).map(each -> each.state()).toList());
        outcome("last stable offset", () -> {
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config("isolation.level", "read_committed"))) {
                TopicPartition partition = new TopicPartition(to, 0);
                return consumer.endOffsets(List.of(partition)).get(partition);
            }
        });
        second.commitTransaction();
        second.close();
        outcome("at the end", () -> committed(to));
        try (KafkaProducer<String, String> slow = new KafkaProducer<>(config("transactional.id", id + "-slow", "transaction.timeout.ms", "1000"))) {
            slow.initTransactions();
            slow.beginTransaction();
            slow.send(new ProducerRecord<>(to, 0, "k", "too slow")).get();
            long deadline = System.currentTimeMillis() + 30_000;
            while (admin.describeTransactions(List.of(id + "-slow")).description(id + "-slow").get().state().toString().equals("Ongoing")
                && System.currentTimeMillis() < deadline) Thread.sleep(200);
            outcome("timed out", () -> {
                slow.commitTransaction();
                return "not at all";
            });
        }
        outcome("after the timeout", () -> committed(to));
    }

    private static KafkaConsumer<String, String> member(String group, Object topics, String assignor) {
        Properties config = config("group.id", group, "group.protocol", "consumer", "auto.offset.reset", "earliest", "enable.auto.commit", "false", "metadata.max.age.ms", "1000");
        if (assignor != null) config.put("group.remote.assignor", assignor);
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config);
        if (topics instanceof SubscriptionPattern pattern) consumer.subscribe(pattern);
        else consumer.subscribe(List.of((String) topics));
        return consumer;
    }

    private static void consumerGroups() throws Exception {
        for (String assignor : List.of("uniform", "range")) {
            String name = topic("848-" + assignor, 4), group = prefix + "-848-" + assignor;
            produce(name, 4, 0, 20);
            TreeSet<String> read = new TreeSet<>();
            try (KafkaConsumer<String, String> first = member(group, name, assignor)) {
                while (read.size() < 20) first.poll(Duration.ofMillis(200)).forEach(each -> read.add(each.value()));
                outcome(assignor + " alone", () -> first.assignment().size() + " " + read.size());
                first.commitSync();
                try (KafkaConsumer<String, String> second = member(group, name, assignor)) {
                    long deadline = System.currentTimeMillis() + 60_000;
                    while ((first.assignment().size() != 2 || second.assignment().size() != 2) && System.currentTimeMillis() < deadline) {
                        first.poll(Duration.ofMillis(100));
                        second.poll(Duration.ofMillis(100));
                    }
                    outcome(assignor + " two", () -> first.assignment().size() + " " + second.assignment().size());
                    var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                    outcome("described", () -> described.groupState() + " " + described.type() + " " + described.partitionAssignor() + " " + described.members().size());
                }
                long deadline = System.currentTimeMillis() + 60_000;
                while (first.assignment().size() != 4 && System.currentTimeMillis() < deadline) first.poll(Duration.ofMillis(100));
                outcome("after it left", () -> first.assignment().size());
                produce(name, 4, 20, 4);
                while (read.size() < 24) first.poll(Duration.ofMillis(200)).forEach(each -> read.add(each.value()));
                first.commitSync();
            }
            outcome("offsets", () -> new TreeMap<>(Map.of("sum", admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream().mapToLong(OffsetAndMetadata::offset).sum())));
        }
        topic("regex-a", 1);
        topic("regex-b", 2);
        produce(prefix + "-regex-a", 1, 0, 1);
        try (KafkaConsumer<String, String> consumer = member(prefix + "-regex", new SubscriptionPattern(prefix + "-regex-.*"), null)) {
            long deadline = System.currentTimeMillis() + 60_000;
            while (consumer.assignment().size() != 3 && System.currentTimeMillis() < deadline) consumer.poll(Duration.ofMillis(100));
            outcome("by pattern", () -> consumer.assignment().size());
        }
        // One member after the other changes from the classic protocol.
        String name = topic("upgraded", 2), group = prefix + "-upgraded";
        produce(name, 2, 0, 4);
        Properties classic = config("group.id", group, "auto.offset.reset", "earliest", "partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor", "heartbeat.interval.ms", "300", "session.timeout.ms", "6000");
        try (KafkaConsumer<String, String> old = new KafkaConsumer<>(classic)) {
            old.subscribe(List.of(name));
            while (old.assignment().size() != 2) old.poll(Duration.ofMillis(100));
            try (KafkaConsumer<String, String> modern = member(group, name, null)) {
                long deadline = System.currentTimeMillis() + 60_000;
                while ((old.assignment().size() != 1 || modern.assignment().size() != 1) && System.currentTimeMillis() < deadline) {
                    old.poll(Duration.ofMillis(100));
                    modern.poll(Duration.ofMillis(100));
                }
                outcome("classic and modern", () -> old.assignment().size() + " " + modern.assignment().size() + " "
                    + admin.describeConsumerGroups(List.of(group)).all().get().get(group).type());
            }
        }
    }

    private static KafkaShareConsumer<String, String> sharing(String group, String topic, String mode) throws Exception {
        KafkaShareConsumer<String, String> consumer = new KafkaShareConsumer<>(config("group.id", group, "share.acknowledgement.mode", mode));
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    private static List<ConsumerRecord<String, String>> take(KafkaShareConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        long deadline = System.currentTimeMillis() + 30_000;
        while (records.size() < count && System.currentTimeMillis() < deadline) consumer.poll(Duration.ofMillis(500)).forEach(records::add);
        return records;
    }

    private static List<String> show(List<ConsumerRecord<String, String>> records) {
        return records.stream().map(each -> each.value() + "#" + each.deliveryCount().orElse((short) 0)).sorted().toList();
    }

    private static String shareGroup(String name, String... settings) throws Exception {
        String group = prefix + "-" + name;
        List<AlterConfigOp> changes = new ArrayList<>();
        changes.add(new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET));
        for (int i = 0; i < settings.length; i += 2) changes.add(new AlterConfigOp(new ConfigEntry(settings[i], settings[i + 1]), AlterConfigOp.OpType.SET));
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), changes)).all().get();
        return group;
    }

    private static void shareGroups() throws Exception {
        String name = topic("shared", 1), group = shareGroup("share");
        produce(name, 1, 0, 8);
        try (KafkaShareConsumer<String, String> consumer = sharing(group, name, "implicit")) {
            outcome("implicit", () -> show(take(consumer, 8)));
            outcome("committed", () -> consumer.commitSync().values().stream().allMatch(java.util.Optional::isEmpty));
        }
        produce(name, 1, 8, 6);
        try (KafkaShareConsumer<String, String> consumer = sharing(group, name, "explicit")) {
            List<ConsumerRecord<String, String>> first = take(consumer, 6);
            outcome("explicit", () -> show(first));
            AcknowledgeType[] types = {AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE, AcknowledgeType.REJECT};
            for (int i = 0; i < 6; i++) consumer.acknowledge(first.get(i), types[i % 3]);
            consumer.commitSync();
            List<ConsumerRecord<String, String>> second = take(consumer, 2);
            outcome("released ones again", () -> show(second));
            consumer.acknowledge(second.get(0), AcknowledgeType.RENEW);
            consumer.acknowledge(second.get(1), AcknowledgeType.ACCEPT);
            consumer.commitSync();
            List<ConsumerRecord<String, String>> renewed = take(consumer, 1);
            outcome("the renewed one", () -> show(renewed));
            consumer.acknowledge(renewed.get(0), AcknowledgeType.ACCEPT);
            consumer.commitSync();
        }
        String limited = shareGroup("share-limit", "share.delivery.count.limit", "2");
        try (KafkaShareConsumer<String, String> consumer = sharing(limited, name, "explicit")) {
            List<String> counts = new ArrayList<>();
            for (int round = 0; round < 2; round++) {
                for (ConsumerRecord<String, String> record : take(consumer, 14)) {
                    if (record.value().equals("v3")) counts.add("v3#" + record.deliveryCount().get());
                    consumer.acknowledge(record, AcknowledgeType.RELEASE);
                }
                consumer.commitSync();
            }
            outcome("up to the limit", () -> counts);
            outcome("and no more", () -> consumer.poll(Duration.ofSeconds(2)).count());
        }
        try (KafkaShareConsumer<String, String> one = sharing(shareGroup("share-two"), name, "implicit");
            KafkaShareConsumer<String, String> two = sharing(prefix + "-share-two", name, "implicit")) {
            List<String> seen = new ArrayList<>();
            one.poll(Duration.ofMillis(100)).forEach(each -> seen.add(each.value()));
            two.poll(Duration.ofMillis(100)).forEach(each -> seen.add(each.value()));
            produce(name, 1, 14, 40);
            long deadline = System.currentTimeMillis() + 30_000;
            while (seen.size() < 54 && System.currentTimeMillis() < deadline) {
                one.poll(Duration.ofMillis(100)).forEach(each -> seen.add(each.value()));
                two.poll(Duration.ofMillis(100)).forEach(each -> seen.add(each.value()));
            }
            outcome("between two", () -> seen.size() + " " + new TreeSet<>(seen).size());
            outcome("described", () -> {
                var described = admin.describeShareGroups(List.of(prefix + "-share-two")).all().get().get(prefix + "-share-two");
                return described.groupState() + " " + described.members().size();
            });
        }
        outcome("offsets of one at work are not altered", () -> {
            try (KafkaShareConsumer<String, String> consumer = sharing(group, name, "implicit")) {
                consumer.poll(Duration.ofSeconds(1));
                return admin.alterShareGroupOffsets(group, Map.of(new TopicPartition(name, 0), 3L)).all().get();
            }
        });
        admin.alterShareGroupOffsets(group, Map.of(new TopicPartition(name, 0), 50L)).all().get();
        try (KafkaShareConsumer<String, String> consumer = sharing(group, name, "implicit")) {
            outcome("from where it was set", () -> show(take(consumer, 4)));
        }
        outcome("deleted", () -> admin.deleteShareGroups(List.of(prefix + "-share-limit")).all().get());
    }

    public static void main(String[] args) throws Exception {
        broker = args[0];
        prefix = args[1];
        admin = Admin.create(config());
        transactions();
        consumerGroups();
        shareGroups();
        admin.close();
    }
}
