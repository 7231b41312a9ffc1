// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** `write` leaves committed and aborted transactions in a topic, `read` prints what each isolation level shows. */
public class TransactionScenario {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("key.serializer", StringSerializer.class.getName());
        config.put("value.serializer", StringSerializer.class.getName());
        config.put("key.deserializer", StringDeserializer.class.getName());
        config.put("value.deserializer", StringDeserializer.class.getName());
        if (args[1].equals("write")) {
            config.put("transactional.id", "scenario");
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(config)) {
                producer.initTransactions();
                for (int i = 0; i < 6; i++) {
                    producer.beginTransaction();
                    producer.send(new ProducerRecord<>("transactions", 0, "k", (i % 2 == 0 ? "committed " : "aborted ") + i));
                    producer.flush();
                    if (i % 2 == 0) producer.commitTransaction();
                    else producer.abortTransaction();
                }
            }
            return;
        }
        for (String level : List.of("read_committed", "read_uncommitted")) {
            config.put("isolation.level", level);
            List<String> seen = new ArrayList<>();
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config)) {
                List<TopicPartition> partitions = List.of(new TopicPartition("transactions", 0));
                consumer.assign(partitions);
                consumer.seekToBeginning(partitions);
                long end = consumer.endOffsets(partitions).get(partitions.get(0));
                while (consumer.position(partitions.get(0)) < end) {
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(5))) {
                        seen.add(record.offset() + " " + record.value());
                    }
                }
            }
            System.out.println(level + ": " + seen);
        }
    }
}
