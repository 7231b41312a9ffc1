// SPDX-License-Identifier: Apache-2.0

// franz-go: the consumer protocol (KIP-848), a share group (KIP-932) and transactions. Prints one outcome a line.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func produce(ctx context.Context, broker, topic string, count int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	check(err)
	defer client.Close()
	for i := 0; i < count; i++ {
		record := &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: []byte(fmt.Sprintf("v%02d", i))}
		check(client.ProduceSync(ctx, record).FirstErr())
	}
}

func read(ctx context.Context, client *kgo.Client, want int, each func(*kgo.Record)) []string {
	var seen []string
	for len(seen) < want {
		fetches := client.PollFetches(ctx)
		check(ctx.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			seen = append(seen, string(record.Value))
			each(record)
		})
	}
	sort.Strings(seen)
	return seen
}

func main() {
	broker, prefix := os.Args[1], os.Args[2]
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	base, err := kgo.NewClient(kgo.SeedBrokers(broker))
	check(err)
	defer base.Close()
	admin := kadm.NewClient(base)
	topic, out := prefix+"-franz848", prefix+"-franz-tx"
	_, err = admin.CreateTopic(ctx, 2, 1, nil, topic)
	check(err)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, out)
	check(err)
	produce(ctx, broker, topic, 20)

	group := prefix + "-franz848-group"
	modern := context.WithValue(ctx, "opt_in_kafka_next_gen_balancer_beta", true)
	member, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.WithContext(modern))
	check(err)
	fmt.Println("read:", read(ctx, member, 20, func(*kgo.Record) {}))
	check(member.CommitUncommittedOffsets(ctx))
	described := kmsg.NewPtrConsumerGroupDescribeRequest()
	described.Groups = []string{group}
	reply, err := described.RequestWith(ctx, base)
	check(err)
	fmt.Println("group:", reply.Groups[0].State, len(reply.Groups[0].Members))
	member.Close()
	offsets, err := admin.FetchOffsets(ctx, group)
	check(err)
	for partition := int32(0); partition < 2; partition++ {
		offset, _ := offsets.Lookup(topic, partition)
		fmt.Println("offset:", partition, offset.At)
	}

	shared := prefix + "-franz-share"
	earliest := "earliest"
	change := kmsg.NewPtrIncrementalAlterConfigsRequest()
	change.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
		ResourceType: kmsg.ConfigResourceTypeGroupConfig,
		ResourceName: shared,
		Configs:      []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "share.auto.offset.reset", Value: &earliest}},
	}}
	_, err = change.RequestWith(ctx, base)
	check(err)
	sharer, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ShareGroup(shared), kgo.ConsumeTopics(topic))
	check(err)
	released := 0
	fmt.Println("shared:", read(ctx, sharer, 20, func(record *kgo.Record) {
		if string(record.Value) == "v07" {
			record.Ack(kgo.AckRelease)
			released++
		} else {
			record.Ack(kgo.AckAccept)
		}
	}))
	check(sharer.FlushAcks(ctx))
	fmt.Println("released:", released, read(ctx, sharer, 1, func(record *kgo.Record) { record.Ack(kgo.AckAccept) }))
	sharer.Close()

	sender, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.TransactionalID(prefix+"-franz-id"), kgo.DefaultProduceTopic(out))
	check(err)
	for i := 0; i < 4; i++ {
		check(sender.BeginTransaction())
		check(sender.ProduceSync(ctx, kgo.StringRecord(fmt.Sprintf("tx%d", i))).FirstErr())
		check(sender.EndTransaction(ctx, kgo.TransactionEndTry(i%2 == 0)))
	}
	sender.Close()
	reader, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(out), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	check(err)
	fmt.Println("committed:", read(ctx, reader, 2, func(*kgo.Record) {}))
	reader.Close()
}
