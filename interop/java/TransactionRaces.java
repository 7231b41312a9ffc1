// SPDX-License-Identifier: Apache-2.0
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A transaction begun while the one before is still being completed: `BROKER PREFIX LEVEL ROUNDS`. Sets the feature
 * transaction.version to LEVEL, then ends ROUNDS pairs of transactions in each of several ways and prints what came of them.
 */
public class TransactionRaces {
    private interface Step {
        void run(KafkaProducer<String, String> producer, String topic) throws Exception;
    }

    private static short level(Admin admin) throws Exception {
        FinalizedVersionRange range = admin.describeFeatures().featureMetadata().get().finalizedFeatures().get("transaction.version");
        return range == null ? 0 : range.maxVersionLevel();
    }

    private static void level(Admin admin, short level) throws Exception {
        short now = level(admin);
        if (now == level) return;
        FeatureUpdate.UpgradeType type = level > now ? FeatureUpdate.UpgradeType.UPGRADE : FeatureUpdate.UpgradeType.SAFE_DOWNGRADE;
        admin.updateFeatures(Map.of("transaction.version", new FeatureUpdate(level, type)), new UpdateFeaturesOptions()).all().get();
        // The broker sees the new level a moment later.
        while (level(admin) != level) Thread.sleep(50);
    }

    public static void main(String[] args) throws Exception {
        String broker = args[0];
        short level = Short.parseShort(args[2]);
        int rounds = Integer.parseInt(args[3]);
        String topic = args[1] + "-races-" + level;
        TopicPartition read = new TopicPartition(topic, 0);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
            level(admin, level);
            admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1))).all().get();
        }
        Map<String, Step> steps = new TreeMap<>();
        steps.put("send and abort", (producer, to) -> {
            producer.send(new ProducerRecord<>(to, "k", "aborted"));
            producer.abortTransaction();
        });
        steps.put("send, flush and abort", (producer, to) -> {
            producer.send(new ProducerRecord<>(to, "k", "aborted"));
            producer.flush();
            producer.abortTransaction();
        });
        steps.put("abort of nothing", (producer, to) -> producer.abortTransaction());
        steps.put("commit of nothing", (producer, to) -> producer.commitTransaction());
        steps.put("send and commit", (producer, to) -> {
            producer.send(new ProducerRecord<>(to, "k", "committed"));
            producer.commitTransaction();
        });
        steps.put("send to all partitions and abort", (producer, to) -> {
            for (int i = 0; i < 3; i++) producer.send(new ProducerRecord<>(to, i, "k", "aborted"));
            producer.abortTransaction();
        });
        steps.put("offsets and abort", (producer, to) -> {
            producer.sendOffsetsToTransaction(Map.of(read, new OffsetAndMetadata(1)), new ConsumerGroupMetadata(to + "-group"));
            producer.abortTransaction();
        });
        for (Map.Entry<String, Step> step : steps.entrySet()) {
            Properties config = new Properties();
            config.put("bootstrap.servers", broker);
            config.put("key.serializer", StringSerializer.class.getName());
            config.put("value.serializer", StringSerializer.class.getName());
            config.put("transactional.id", topic + step.getKey());
            config.put("linger.ms", "5");
            Map<String, Integer> outcomes = new TreeMap<>();
            KafkaProducer<String, String> producer = new KafkaProducer<>(config);
            producer.initTransactions();
            for (int i = 0; i < rounds; i++) {
                String outcome = "done";
                try {
                    producer.beginTransaction();
                    producer.send(new ProducerRecord<>(topic, "k", "committed"));
                    producer.commitTransaction();
                    producer.beginTransaction();
                    step.getValue().run(producer, topic);
                } catch (Exception failure) {
                    outcome = failure.getClass().getSimpleName();
                    producer.close();
                    producer = new KafkaProducer<>(config);
                    producer.initTransactions();
                }
                outcomes.merge(outcome, 1, Integer::sum);
            }
            producer.close();
            System.out.println("level " + level + ", commit, then " + step.getKey() + ": " + outcomes);
        }
    }
}
