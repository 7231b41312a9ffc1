// SPDX-License-Identifier: Apache-2.0

// sarama: produces in every codec, consumes in a group, and administers. Prints one outcome a line.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

type collector struct {
	mutex sync.Mutex
	seen  []string
	want  int
	done  context.CancelFunc
}

func (*collector) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*collector) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (c *collector) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			session.MarkMessage(message, "")
			c.mutex.Lock()
			c.seen = append(c.seen, fmt.Sprintf("%s=%s", message.Key, message.Value))
			if len(c.seen) == c.want {
				c.done()
			}
			c.mutex.Unlock()
		case <-session.Context().Done():
			return nil
		}
	}
}

func consume(broker, group, topic string, want int) []string {
	config := sarama.NewConfig()
	config.Version = sarama.V4_0_0_0
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.MaxWaitTime = 200 * time.Millisecond
	members, err := sarama.NewConsumerGroup([]string{broker}, group, config)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	collected := &collector{want: want, done: cancel}
	for ctx.Err() == nil {
		check(members.Consume(ctx, []string{topic}, collected))
	}
	check(members.Close())
	sort.Strings(collected.seen)
	return collected.seen
}

func main() {
	broker, prefix := os.Args[1], os.Args[2]
	topic, group := prefix+"-sarama", prefix+"-sarama-group"
	config := sarama.NewConfig()
	config.Version = sarama.V4_0_0_0
	admin, err := sarama.NewClusterAdmin([]string{broker}, config)
	check(err)
	check(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false))
	again := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false)
	fmt.Println("created twice:", again != nil)
	codecs := map[string]sarama.CompressionCodec{"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP,
		"snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}
	for name, codec := range codecs {
		config := sarama.NewConfig()
		config.Version = sarama.V4_0_0_0
		config.Producer.Compression = codec
		config.Producer.RequiredAcks = sarama.WaitForAll
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
		config.Producer.Return.Successes = true
		producer, err := sarama.NewSyncProducer([]string{broker}, config)
		check(err)
		_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(name),
			Value: sarama.StringEncoder(strings.Repeat(name, 20))})
		check(err)
		check(producer.Close())
	}
	for _, line := range consume(broker, group, topic, len(codecs)) {
		fmt.Println("consumed", line)
	}
	described, err := admin.DescribeConsumerGroups([]string{group})
	check(err)
	fmt.Println("group:", described[0].State, len(described[0].Members))
	offsets, err := admin.ListConsumerGroupOffsets(group, nil)
	check(err)
	var total int64
	for _, block := range offsets.Blocks[topic] {
		if block.Offset > 0 {
			total += block.Offset
		}
	}
	fmt.Println("committed:", total)
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic,
		ConfigNames: []string{"cleanup.policy"}})
	check(err)
	fmt.Println("config:", entries[0].Name, entries[0].Value)
	check(admin.DeleteConsumerGroup(group))
	fmt.Println("deleted topic:", admin.DeleteTopic(topic))
	check(admin.Close())
}
