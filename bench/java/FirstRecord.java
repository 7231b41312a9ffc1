// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Prints the milliseconds from subscribing with a new classic group to its first record, after one group to warm up. */
public class FirstRecord {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("key.serializer", StringSerializer.class.getName());
        config.put("value.serializer", StringSerializer.class.getName());
        config.put("key.deserializer", StringDeserializer.class.getName());
        config.put("value.deserializer", StringDeserializer.class.getName());
        config.put("auto.offset.reset", "earliest");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config)) {
            producer.send(new ProducerRecord<>(args[1], "k", "v")).get();
        }
        double millis = 0;
        for (int i = 0; i < 2; i++) {
            config.put("group.id", args[1] + "-group-" + i);
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config)) {
                long began = System.nanoTime();
                consumer.subscribe(List.of(args[1]));
                while (consumer.poll(Duration.ofMillis(1000)).isEmpty()) { }
                millis = (System.nanoTime() - began) / 1e6;
            }
        }
        System.out.println(millis);
    }
}
