// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.LongSerializer;

/** Sends at a steady rate and prints the median and 99th percentile, in ms, from send to poll. acks=all. */
public class EndToEndLatency {
    public static void main(String[] args) throws Exception {
        int rate = Integer.parseInt(args[2]);
        int count = Integer.parseInt(args[3]);
        int warmUp = count / 3;
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("acks", "all");
        config.put("linger.ms", "0");
        config.put("key.serializer", LongSerializer.class.getName());
        config.put("value.serializer", LongSerializer.class.getName());
        config.put("key.deserializer", LongDeserializer.class.getName());
        config.put("value.deserializer", LongDeserializer.class.getName());
        config.put("fetch.max.wait.ms", "500");
        long[] latencies = new long[count];
        try (KafkaConsumer<Long, Long> consumer = new KafkaConsumer<>(config)) {
            List<TopicPartition> partitions = List.of(new TopicPartition(args[1], 0));
            consumer.assign(partitions);
            consumer.seekToEnd(partitions);
            consumer.position(partitions.get(0));
            Thread sender = new Thread(() -> {
                try (KafkaProducer<Long, Long> producer = new KafkaProducer<>(config)) {
                    long start = System.nanoTime();
                    for (int i = 0; i < count; i++) {
                        long due = start + i * 1_000_000_000L / rate;
                        while (System.nanoTime() < due) {
                            if (due - System.nanoTime() > 200_000) java.util.concurrent.locks.LockSupport.parkNanos(100_000);
                        }
                        producer.send(new ProducerRecord<>(args[1], 0, (long) i, System.nanoTime()));
                    }
                }
            });
            sender.start();
            for (int seen = 0; seen < count; ) {
                for (ConsumerRecord<Long, Long> record : consumer.poll(Duration.ofSeconds(10))) {
                    latencies[seen++] = System.nanoTime() - record.value();
                }
            }
            sender.join();
        }
        long[] measured = Arrays.copyOfRange(latencies, warmUp, count);
        Arrays.sort(measured);
        System.out.println(measured[measured.length / 2] / 1e6 + " " + measured[(int) (measured.length * 0.99)] / 1e6);
    }
}
