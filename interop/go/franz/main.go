// SPDX-License-Identifier: Apache-2.0

// franz-go: produces in every codec, consumes in a group, resumes, and administers. Prints one outcome a line.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kadm"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func consume(ctx context.Context, broker, group, topic string, want int) []string {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	check(err)
	defer client.Close()
	var seen []string
	for len(seen) < want {
		fetches := client.PollFetches(ctx)
		check(ctx.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			seen = append(seen, fmt.Sprintf("%s=%s", record.Key, record.Value))
		})
	}
	check(client.CommitUncommittedOffsets(ctx))
	sort.Strings(seen)
	return seen
}

func main() {
	broker, prefix := os.Args[1], os.Args[2]
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	topic, group := prefix+"-franz", prefix+"-franz-group"
	adminClient, err := kgo.NewClient(kgo.SeedBrokers(broker))
	check(err)
	defer adminClient.Close()
	admin := kadm.NewClient(adminClient)
	created, err := admin.CreateTopic(ctx, 3, 1, nil, topic)
	check(err)
	fmt.Println("created partitions:", created.NumPartitions, "error:", created.Err)
	_, err = admin.CreateTopic(ctx, 3, 1, nil, topic)
	fmt.Println("created twice:", err)
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for name, codec := range codecs {
		producer, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(codec))
		check(err)
		check(producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte(name),
			Value: []byte(strings.Repeat(name, 20))}).FirstErr())
		producer.Close()
	}
	for _, line := range consume(ctx, broker, group, topic, len(codecs)) {
		fmt.Println("consumed", line)
	}
	check(adminClient.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte("later"), Value: []byte("v")}).FirstErr())
	fmt.Println("resumed:", consume(ctx, broker, group, topic, 1))
	lag, err := admin.Lag(ctx, group)
	check(err)
	fmt.Println("lag:", lag[group].Lag.Total(), "state:", lag[group].State)
	ends, err := admin.ListEndOffsets(ctx, topic)
	check(err)
	var total int64
	ends.Each(func(offset kadm.ListedOffset) { total += offset.Offset })
	fmt.Println("end offsets:", total)
	_, err = admin.DeleteGroups(ctx, group)
	fmt.Println("deleted group:", err)
	deleted, err := admin.DeleteTopic(ctx, topic)
	fmt.Println("deleted topic:", deleted.Err, err)
}
