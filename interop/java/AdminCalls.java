// SPDX-License-Identifier: Apache-2.0
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Calls the admin, a producer and consumers as user alice: first without rights, then after each of a list of grants,
 * and prints what came of each call. Argument: address of a SASL_PLAINTEXT listener with users admin and alice.
 */
public class AdminCalls {
  private static final String TOPIC = "t1";
  private static final TopicPartition PARTITION = new TopicPartition(TOPIC, 0);
  private static String bootstrap;
  private static int phase = 0;

  private static Properties settings(String user) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("security.protocol", "SASL_PLAINTEXT");
    properties.put("sasl.mechanism", "PLAIN");
    properties.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
        + user + "\" password=\"secret\";");
    properties.put("request.timeout.ms", "20000");
    return properties;
  }

  private static void say(String call, Callable<Object> run) {
    String outcome;
    try {
      outcome = String.valueOf(run.call());
    } catch (Throwable error) {
      Throwable cause = error;
      while ((cause instanceof ExecutionException || cause.getClass() == RuntimeException.class)
          && cause.getCause() != null) cause = cause.getCause();
      outcome = cause.getClass().getSimpleName();
      String text = String.valueOf(cause.getMessage());
      // Kafka's text of some denials names objects of its process.
      if (!text.startsWith("Request Request(") && !text.contains(" needs ")) outcome += ": " + text;
    }
    System.out.println(phase + " " + call + " => " + outcome);
  }

  private static Object get(KafkaFuture<?> future) throws Exception {
    Object value = future.get();
    return value == null ? "ok" : value;
  }

  private static void grant(Admin admin, ResourceType type, String name, AclOperation operation) throws Exception {
    AccessControlEntry entry = new AccessControlEntry("User:alice", "*", operation, AclPermissionType.ALLOW);
    admin.createAcls(List.of(new AclBinding(new ResourcePattern(type, name, PatternType.LITERAL), entry))).all().get();
    // Brokers other than the controller learn of it a moment later.
    Thread.sleep(300);
    phase++;
    System.out.println("-- " + operation + " " + type + " " + name);
  }

  private static void calls(Admin alice) throws Exception {
    say("listTopics", () -> new TreeSet<>(alice.listTopics().names().get()));
    say("describeTopics", () -> {
      TopicDescription found = alice.describeTopics(List.of(TOPIC), new DescribeTopicsOptions().includeAuthorizedOperations(true)).allTopicNames().get().get(TOPIC);
      return found.partitions().size() + " " + new TreeSet<>(found.authorizedOperations());
    });
    say("describeTopics absent", () -> get(alice.describeTopics(List.of("absent")).allTopicNames()));
    say("describeCluster", () -> {
      DescribeClusterResult found = alice.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
      return found.nodes().get().size() + " " + new TreeSet<>(found.authorizedOperations().get());
    });
    say("createTopics", () -> get(alice.createTopics(List.of(new NewTopic("new", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).all()));
    say("createTopics config", () -> alice.createTopics(List.of(new NewTopic("new", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).numPartitions("new").get());
    say("deleteTopics absent", () -> get(alice.deleteTopics(List.of("absent")).all()));
    say("createPartitions", () -> get(alice.createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(5)), new CreatePartitionsOptions().validateOnly(true)).all()));
    for (ConfigResource resource : List.of(new ConfigResource(ConfigResource.Type.TOPIC, TOPIC), new ConfigResource(ConfigResource.Type.BROKER, "1"),
        new ConfigResource(ConfigResource.Type.GROUP, "g"), new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m"))) {
      say("describeConfigs " + resource.type(), () -> alice.describeConfigs(List.of(resource)).all().get().size());
      say("incrementalAlterConfigs " + resource.type(), () -> get(alice.incrementalAlterConfigs(Map.of(resource, List.of()), new AlterConfigsOptions().validateOnly(true)).all()));
    }
    say("describeAcls", () -> alice.describeAcls(AclBindingFilter.ANY).values().get().size() > 0);
    say("createAcls", () -> get(alice.createAcls(List.of(new AclBinding(new ResourcePattern(ResourceType.TOPIC, "x", PatternType.LITERAL), new AccessControlEntry("User:x", "*", AclOperation.READ, AclPermissionType.ALLOW)))).all()));
    say("deleteAcls", () -> alice.deleteAcls(List.of(new AclBindingFilter(new org.apache.kafka.common.resource.ResourcePatternFilter(ResourceType.TOPIC, "x", PatternType.LITERAL), AccessControlEntryFilter.ANY))).all().get().size());
    say("listGroups", () -> alice.listGroups().all().get().stream().map(GroupListing::groupId).sorted().collect(Collectors.toList()));
    say("describeConsumerGroups", () -> alice.describeConsumerGroups(List.of("g")).all().get().size());
    say("listConsumerGroupOffsets", () -> alice.listConsumerGroupOffsets("g").partitionsToOffsetAndMetadata().get().keySet());
    say("alterConsumerGroupOffsets", () -> get(alice.alterConsumerGroupOffsets("g", Map.of(PARTITION, new OffsetAndMetadata(0))).all()));
    say("deleteConsumerGroupOffsets", () -> get(alice.deleteConsumerGroupOffsets("g", Set.of(PARTITION)).all()));
    say("deleteConsumerGroups", () -> get(alice.deleteConsumerGroups(List.of("absent")).all()));
    say("describeLogDirs", () -> alice.describeLogDirs(List.of(1)).allDescriptions().get().size());
    say("describeUserScramCredentials", () -> alice.describeUserScramCredentials(List.of()).all().get().size());
    say("alterUserScramCredentials", () -> get(alice.alterUserScramCredentials(List.of(new UserScramCredentialDeletion("absent", ScramMechanism.SCRAM_SHA_256))).all()));
    say("describeClientQuotas", () -> alice.describeClientQuotas(ClientQuotaFilter.all()).entities().get().size());
    say("alterClientQuotas", () -> get(alice.alterClientQuotas(List.of(new ClientQuotaAlteration(new ClientQuotaEntity(Map.of("user", "u")), List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e9)))), new AlterClientQuotasOptions().validateOnly(true)).all()));
    say("listTransactions", () -> alice.listTransactions().all().get().stream().map(TransactionListing::transactionalId).collect(Collectors.toList()));
    say("describeTransactions", () -> alice.describeTransactions(List.of("tx")).all().get().size());
    say("describeProducers", () -> alice.describeProducers(List.of(PARTITION)).all().get().size());
    say("listOffsets", () -> alice.listOffsets(Map.of(PARTITION, OffsetSpec.earliest())).all().get().get(PARTITION).offset());
    say("deleteRecords", () -> get(alice.deleteRecords(Map.of(PARTITION, RecordsToDelete.beforeOffset(0))).all()));
    say("electLeaders", () -> get(alice.electLeaders(ElectionType.PREFERRED, Set.of(PARTITION)).all()));
    say("alterPartitionReassignments", () -> get(alice.alterPartitionReassignments(Map.of(PARTITION, Optional.of(new NewPartitionReassignment(List.of(77))))).all()).getClass());
    say("listPartitionReassignments", () -> alice.listPartitionReassignments().reassignments().get().size());
    say("describeMetadataQuorum", () -> alice.describeMetadataQuorum().quorumInfo().get().leaderId());
    say("describeFeatures", () -> alice.describeFeatures().featureMetadata().get().finalizedFeatures().containsKey("metadata.version"));
    say("updateFeatures", () -> get(alice.updateFeatures(Map.of("group.version", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions().validateOnly(true)).all()));
    say("unregisterBroker", () -> get(alice.unregisterBroker(99).all()));
    say("listConfigResources", () -> alice.listConfigResources().all().get().size() > 0);
    groupCalls(alice);
    clusterCalls(alice);
    tokenCalls(alice);
  }

  private static void groupCalls(Admin alice) {
    say("describeClassicGroups", () -> alice.describeClassicGroups(List.of("g")).all().get().size());
    say("describeShareGroups", () -> alice.describeShareGroups(List.of("share")).all().get().size());
    say("describeStreamsGroups", () -> alice.describeStreamsGroups(List.of("streams")).all().get().size());
    say("listShareGroupOffsets", () -> alice.listShareGroupOffsets(Map.of("share", new ListShareGroupOffsetsSpec())).all().get().keySet());
    say("alterShareGroupOffsets", () -> get(alice.alterShareGroupOffsets("share", Map.of(PARTITION, 0L)).all()));
    say("deleteShareGroupOffsets", () -> get(alice.deleteShareGroupOffsets("share", Set.of(TOPIC)).all()));
    say("deleteShareGroups", () -> get(alice.deleteShareGroups(List.of("absent")).all()));
    say("listStreamsGroupOffsets", () -> alice.listStreamsGroupOffsets(Map.of("streams", new ListStreamsGroupOffsetsSpec())).all().get().keySet());
    say("alterStreamsGroupOffsets", () -> get(alice.alterStreamsGroupOffsets("streams", Map.of(PARTITION, new OffsetAndMetadata(0))).all()));
    say("deleteStreamsGroupOffsets", () -> get(alice.deleteStreamsGroupOffsets("streams", Set.of(PARTITION)).all()));
    say("deleteStreamsGroups", () -> get(alice.deleteStreamsGroups(List.of("absent")).all()));
    say("removeMembersFromConsumerGroup", () -> get(alice.removeMembersFromConsumerGroup("g", new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("static")))).all()));
  }

  private static void clusterCalls(Admin alice) {
    say("createTopics, two", () -> alice.createTopics(List.of(new NewTopic("pre-c", 1, (short) 1), new NewTopic("nope", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).values().entrySet().stream().map(entry -> {
      try {
        return entry.getKey() + " " + get(entry.getValue());
      } catch (Exception error) {
        return entry.getKey() + " " + error.getCause();
      }
    }).sorted().collect(Collectors.toList()));
    say("alterReplicaLogDirs", () -> get(alice.alterReplicaLogDirs(Map.of(new TopicPartitionReplica(TOPIC, 0, 1), "/no/such/directory")).all()));
    say("describeReplicaLogDirs", () -> alice.describeReplicaLogDirs(List.of(new TopicPartitionReplica(TOPIC, 0, 1))).all().get().size());
    say("listClientMetricsResources", () -> alice.listConfigResources(Set.of(ConfigResource.Type.CLIENT_METRICS), new ListConfigResourcesOptions()).all().get().size());
    say("abortTransaction", () -> get(alice.abortTransaction(new AbortTransactionSpec(PARTITION, 99, (short) 0, 0)).all()));
    say("fenceProducers", () -> get(alice.fenceProducers(List.of("fenced")).all()));
    say("forceTerminateTransaction", () -> get(alice.forceTerminateTransaction("tx", new TerminateTransactionOptions()).result()));
    say("alterUserScramCredentials, few iterations", () -> get(alice.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("x", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4095), "x"))).all()));
    say("alterUserScramCredentials, many iterations", () -> get(alice.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("x", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 16385), "x"))).all()));
    say("describeUserScramCredentials of one", () -> alice.describeUserScramCredentials(List.of("zz")).all().get());
  }

  private static void tokenCalls(Admin alice) throws Exception {
    say("createDelegationToken", () -> alice.createDelegationToken().delegationToken().get().tokenInfo().owner());
    say("createDelegationToken for another", () -> alice.createDelegationToken(new CreateDelegationTokenOptions().owner(new KafkaPrincipal("User", "admin"))).delegationToken().get().tokenInfo().owner());
    // Kafka shows a token a moment after it was created.
    Thread.sleep(300);
    say("describeDelegationToken", () -> alice.describeDelegationToken().delegationTokens().get().stream().map(token -> token.tokenInfo().owner().toString()).distinct().sorted().collect(Collectors.toList()));
    say("renewDelegationToken", () -> get(alice.renewDelegationToken(new byte[] {1}).expiryTimestamp()));
    say("expireDelegationToken", () -> get(alice.expireDelegationToken(new byte[] {1}).expiryTimestamp()));
  }

  private static void transact() {
    say("produce, transactional", () -> {
      Properties properties = settings("alice");
      properties.put("transactional.id", "tx");
      properties.put("max.block.ms", "10000");
      try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
        producer.initTransactions();
        producer.beginTransaction();
        int partition = producer.send(new ProducerRecord<>(TOPIC, 0, null, "x")).get().partition();
        producer.commitTransaction();
        return partition;
      }
    });
  }

  private static void produce(boolean isIdempotent) {
    say(isIdempotent ? "produce, idempotent" : "produce", () -> {
      Properties properties = settings("alice");
      properties.put("enable.idempotence", String.valueOf(isIdempotent));
      properties.put("max.block.ms", "10000");
      try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
        return producer.send(new ProducerRecord<>(TOPIC, 0, null, "x")).get().partition();
      }
    });
  }

  private static void consume(String protocol) {
    say("consume, " + protocol, () -> {
      Properties properties = settings("alice");
      properties.put("group.protocol", protocol);
      properties.put("group.id", "g-" + protocol);
      properties.put("auto.offset.reset", "earliest");
      try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
        consumer.subscribe(List.of(TOPIC));
        for (int i = 0; i < 40; i++) {
          ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(250));
          if (!records.isEmpty()) return "records";
        }
        return "none";
      }
    });
  }

  private static void store(Admin admin, PatternType pattern, String topic, AclOperation operation, AclPermissionType permission) throws Exception {
    AccessControlEntry entry = new AccessControlEntry("User:alice", "*", operation, permission);
    admin.createAcls(List.of(new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, pattern), entry))).all().get();
    Thread.sleep(300);
    phase++;
    System.out.println("-- " + permission + " " + operation + " " + pattern + " " + topic);
  }

  /** Denials and prefixes: every operation on topics pre-*, fewer on one of them. */
  private static void denials(Admin admin, Admin alice) throws Exception {
    admin.createTopics(List.of(new NewTopic("pre-a", 1, (short) 1))).all().get();
    store(admin, PatternType.PREFIXED, "pre-", AclOperation.ALL, AclPermissionType.ALLOW);
    onPreA(alice);
    store(admin, PatternType.LITERAL, "pre-a", AclOperation.WRITE, AclPermissionType.DENY);
    onPreA(alice);
    store(admin, PatternType.LITERAL, "pre-a", AclOperation.DESCRIBE, AclPermissionType.DENY);
    onPreA(alice);
    store(admin, PatternType.LITERAL, "pre-a", AclOperation.ALL, AclPermissionType.DENY);
    onPreA(alice);
    say("auto-create pre-b", () -> send("pre-b"));
    store(admin, PatternType.PREFIXED, "p", AclOperation.ALL, AclPermissionType.DENY);
    say("auto-create pre-d", () -> send("pre-d"));
    calls(alice);
  }

  private static Object send(String topic) throws Exception {
    Properties properties = settings("alice");
    properties.put("max.block.ms", "10000");
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
      return producer.send(new ProducerRecord<>(topic, 0, null, "x")).get().partition();
    }
  }

  private static void onPreA(Admin alice) {
    say("produce pre-a", () -> send("pre-a"));
    say("describe pre-a", () -> new TreeSet<>(alice.describeTopics(List.of("pre-a"), new DescribeTopicsOptions().includeAuthorizedOperations(true)).allTopicNames().get().get("pre-a").authorizedOperations()));
    say("offsets of pre-a", () -> alice.listOffsets(Map.of(new TopicPartition("pre-a", 0), OffsetSpec.earliest())).all().get().size());
    say("records of pre-a", () -> get(alice.deleteRecords(Map.of(new TopicPartition("pre-a", 0), RecordsToDelete.beforeOffset(0))).all()));
  }

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[0];
    try (Admin admin = Admin.create(settings("admin")); Admin alice = Admin.create(settings("alice"))) {
      admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1), new NewTopic("hidden", 1, (short) 1))).all().get();
      admin.alterConsumerGroupOffsets("g", Map.of(PARTITION, new OffsetAndMetadata(0), new TopicPartition("hidden", 0), new OffsetAndMetadata(0))).all().get();
      calls(alice);
      produce(false);
      produce(true);
      transact();
      // Which of its two denials a consumer of the classic protocol meets first is a matter of timing.
      consume("consumer");
      grant(admin, ResourceType.TOPIC, TOPIC, AclOperation.DESCRIBE);
      calls(alice);
      produce(false);
      produce(true);
      grant(admin, ResourceType.TOPIC, TOPIC, AclOperation.WRITE);
      produce(false);
      produce(true);
      grant(admin, ResourceType.GROUP, "*", AclOperation.READ);
      calls(alice);
      consume("classic");
      consume("consumer");
      grant(admin, ResourceType.TOPIC, TOPIC, AclOperation.READ);
      calls(alice);
      consume("classic");
      consume("consumer");
      List<Object[]> grants = new ArrayList<>();
      grants.add(new Object[] {ResourceType.CLUSTER, "kafka-cluster", AclOperation.DESCRIBE});
      grants.add(new Object[] {ResourceType.CLUSTER, "kafka-cluster", AclOperation.DESCRIBE_CONFIGS});
      grants.add(new Object[] {ResourceType.TOPIC, "*", AclOperation.ALTER_CONFIGS});
      grants.add(new Object[] {ResourceType.TOPIC, TOPIC, AclOperation.DELETE});
      grants.add(new Object[] {ResourceType.TOPIC, TOPIC, AclOperation.ALTER});
      grants.add(new Object[] {ResourceType.CLUSTER, "kafka-cluster", AclOperation.CREATE});
      grants.add(new Object[] {ResourceType.CLUSTER, "kafka-cluster", AclOperation.ALTER_CONFIGS});
      grants.add(new Object[] {ResourceType.GROUP, "*", AclOperation.ALL});
      grants.add(new Object[] {ResourceType.TRANSACTIONAL_ID, "*", AclOperation.DESCRIBE});
      grants.add(new Object[] {ResourceType.CLUSTER, "kafka-cluster", AclOperation.ALTER});
      for (Object[] each : grants) {
        grant(admin, (ResourceType) each[0], (String) each[1], (AclOperation) each[2]);
        calls(alice);
      }
      transact();
      grant(admin, ResourceType.TRANSACTIONAL_ID, "tx", AclOperation.WRITE);
      transact();
      say("forceTerminateTransaction", () -> get(alice.forceTerminateTransaction("tx", new TerminateTransactionOptions()).result()));
      grant(admin, ResourceType.USER, "User:admin", AclOperation.CREATE_TOKENS);
      grant(admin, ResourceType.USER, "User:admin", AclOperation.DESCRIBE_TOKENS);
      tokenCalls(alice);
      denials(admin, alice);
    }
  }
}
