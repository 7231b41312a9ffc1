// SPDX-License-Identifier: Apache-2.0
package kafka.server.share;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.internals.ShareAcquireMode;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ShareFetchResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.coordinator.group.ShareGroupAutoOffsetResetStrategy;
import org.apache.kafka.coordinator.group.modern.share.ShareGroupConfigProvider;
import org.apache.kafka.server.partition.PartitionListener;
import org.apache.kafka.server.share.PartitionMetadataProvider;
import org.apache.kafka.server.share.acknowledge.ShareAcknowledgementBatch;
import org.apache.kafka.server.share.dlq.ShareGroupDLQManager;
import org.apache.kafka.server.share.dlq.ShareGroupDLQRecordParameter;
import org.apache.kafka.server.share.fetch.DelayedShareFetchKey;
import org.apache.kafka.server.share.fetch.InFlightBatch;
import org.apache.kafka.server.share.fetch.InFlightState;
import org.apache.kafka.server.share.fetch.RecordState;
import org.apache.kafka.server.share.fetch.ShareAcquiredRecords;
import org.apache.kafka.server.share.persister.DeleteShareGroupStateParameters;
import org.apache.kafka.server.share.persister.DeleteShareGroupStateResult;
import org.apache.kafka.server.share.persister.InitializeShareGroupStateParameters;
import org.apache.kafka.server.share.persister.InitializeShareGroupStateResult;
import org.apache.kafka.server.share.persister.PartitionFactory;
import org.apache.kafka.server.share.persister.Persister;
import org.apache.kafka.server.share.persister.PersisterStateBatch;
import org.apache.kafka.server.share.persister.ReadShareGroupStateParameters;
import org.apache.kafka.server.share.persister.ReadShareGroupStateResult;
import org.apache.kafka.server.share.persister.ReadShareGroupStateSummaryParameters;
import org.apache.kafka.server.share.persister.ReadShareGroupStateSummaryResult;
import org.apache.kafka.server.share.persister.TopicData;
import org.apache.kafka.server.share.persister.WriteShareGroupStateParameters;
import org.apache.kafka.server.share.persister.WriteShareGroupStateResult;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.server.storage.log.FetchPartitionData;
import org.apache.kafka.server.util.timer.TimerTask;
import org.apache.kafka.server.util.timer.TimerTaskEntry;
import org.apache.kafka.storage.internals.log.LogOffsetMetadata;

/**
 * Drives Kafka's SharePartition through random conversations and prints them: each request, its reply, what was persisted, and the state
 * after it. The log, the persister, the dead letter queue and the clock are replaced by ones that this program decides on. `CASES STEPS`.
 */
public class SharePartitionTable {
    private static final String GROUP = "g";
    private static final TopicIdPartition PARTITION = new TopicIdPartition(new Uuid(1, 1), new TopicPartition("t", 0));
    private static final int LOCK_MS = 1000;

    /** A batch of the log. */
    private record LogBatch(long first, long last, String kind) {
        @Override
        public String toString() {
            return first + "-" + last + kind;
        }
    }

    private record Held(String member, long first, long last) {
    }

    private static class Clock implements Time {
        long now = 100_000;

        @Override
        public long milliseconds() {
            return now;
        }

        @Override
        public long hiResClockMs() {
            return now;
        }

        @Override
        public long nanoseconds() {
            return now * 1_000_000;
        }

        @Override
        public void sleep(long ms) {
            now += ms;
        }

        @Override
        public void waitObject(Object object, Supplier<Boolean> condition, long deadline) {
        }
    }

    private final Clock clock = new Clock();
    private final Random random;
    private final int limit;
    private final int locks;
    private final boolean hasQueue;
    private final boolean isRenewable;
    private final boolean isCommitted;
    private final List<LogBatch> log = new ArrayList<>();
    private final TreeMap<Long, List<TimerTask>> timers = new TreeMap<>();
    private final List<String> written = new ArrayList<>();
    private final List<ShareGroupDLQRecordParameter> dead = new ArrayList<>();
    private final List<CompletableFuture<Void>> burials = new ArrayList<>();
    /** What the persister has: state and count by offset. */
    private final TreeMap<Long, PersisterStateBatch> stored = new TreeMap<>();
    private long storedStart;
    private long logStart;
    private final List<Held> held = new ArrayList<>();
    private SharePartition partition;

    private SharePartitionTable(int seed) {
        random = new Random(seed);
        limit = 2 + random.nextInt(9);
        locks = new int[] {2000, 2000, 100, 12}[random.nextInt(4)];
        hasQueue = random.nextInt(4) == 0;
        isRenewable = random.nextInt(5) > 0;
        isCommitted = random.nextInt(3) == 0;
        long next = random.nextInt(3) == 0 ? 7 : 0;
        storedStart = next;
        logStart = next;
        for (int i = 0; i < 14; i++) {
            if (random.nextInt(6) == 0) next += 1 + random.nextInt(4);
            long size = new int[] {1, 2, 5, 10, 40}[random.nextInt(5)];
            boolean isAborted = isCommitted && random.nextInt(4) == 0;
            log.add(new LogBatch(next, next + size - 1, isAborted ? "a" : ""));
            next += size;
            if (isAborted) log.add(new LogBatch(next, next++, "m"));
        }
    }

    private MemoryRecords bytes(List<LogBatch> batches) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        for (LogBatch batch : batches) {
            if (batch.kind.equals("m")) {
                MemoryRecords.writeEndTransactionalMarker(buffer, batch.first, 0, 0, 9, (short) 0, new EndTransactionMarker(ControlRecordType.ABORT, 0));
                continue;
            }
            boolean isAborted = batch.kind.equals("a");
            MemoryRecordsBuilder builder = new MemoryRecordsBuilder(buffer, (byte) 2, Compression.NONE, TimestampType.CREATE_TIME, batch.first, 0,
                isAborted ? 9 : -1, isAborted ? (short) 0 : (short) -1, isAborted ? 0 : -1, isAborted, false, 0, buffer.limit());
            for (long offset = batch.first; offset <= batch.last; offset++) builder.appendWithOffset(offset, 0, null, new byte[1]);
            builder.close();
        }
        buffer.flip();
        return MemoryRecords.readableRecords(buffer);
    }

    private static String letter(RecordState state) {
        return switch (state) {
            case AVAILABLE -> "A";
            case ACQUIRED -> "Q";
            case ACKNOWLEDGED -> "K";
            case ARCHIVING -> "G";
            case ARCHIVED -> "X";
        };
    }

    private static void add(List<String[]> ranges, long first, long last, String what) {
        String[] before = ranges.isEmpty() ? null : ranges.get(ranges.size() - 1);
        if (before != null && before[2].equals(what) && Long.parseLong(before[1]) + 1 == first) before[1] = String.valueOf(last);
        else ranges.add(new String[] {String.valueOf(first), String.valueOf(last), what});
    }

    private static String text(List<String[]> ranges) {
        List<String> parts = new ArrayList<>();
        for (String[] range : ranges) parts.add(range[0] + "-" + range[1] + ":" + range[2]);
        return String.join(",", parts);
    }

    private static String what(InFlightState state) {
        boolean isOwned = state.state() == RecordState.ACQUIRED;
        return letter(state.state()) + state.deliveryCount() + (isOwned ? state.memberId() : "");
    }

    private String state() {
        List<String> batches = new ArrayList<>();
        for (InFlightBatch batch : partition.cachedState().values()) {
            List<String[]> ranges = new ArrayList<>();
            if (batch.offsetState() == null) {
                boolean isOwned = batch.batchState() == RecordState.ACQUIRED;
                add(ranges, batch.firstOffset(), batch.lastOffset(), letter(batch.batchState()) + batch.batchDeliveryCount() + (isOwned ? batch.batchMemberId() : ""));
            } else {
                for (Map.Entry<Long, InFlightState> entry : batch.offsetState().entrySet()) add(ranges, entry.getKey(), entry.getKey(), what(entry.getValue()));
            }
            batches.add(text(ranges) + (batch.offsetState() == null ? "" : "*"));
        }
        return "start=" + partition.startOffset() + " done=" + partition.deliveryCompleteCount() + " next=" + partition.nextFetchOffset() + " " + String.join(" ", batches);
    }

    private class Store implements Persister {
        @Override
        public CompletableFuture<ReadShareGroupStateResult> readState(ReadShareGroupStateParameters parameters) {
            List<PersisterStateBatch> batches = combined();
            return CompletableFuture.completedFuture(new ReadShareGroupStateResult.Builder().setTopicsData(List.of(new TopicData<>(PARTITION.topicId(),
                List.of(PartitionFactory.newPartitionAllData(0, 0, storedStart, (short) 0, null, batches))))).build());
        }

        @Override
        public CompletableFuture<WriteShareGroupStateResult> writeState(WriteShareGroupStateParameters parameters) {
            var data = parameters.groupTopicPartitionData().topicsData().get(0).partitions().get(0);
            List<String[]> ranges = new ArrayList<>();
            storedStart = data.startOffset();
            for (PersisterStateBatch batch : data.stateBatches()) {
                if (batch.lastOffset() >= storedStart) {
                    add(ranges, batch.firstOffset(), batch.lastOffset(), letter(RecordState.forId(batch.deliveryState())) + batch.deliveryCount());
                }
                for (long offset = batch.firstOffset(); offset <= batch.lastOffset(); offset++) {
                    stored.put(offset, new PersisterStateBatch(offset, offset, batch.deliveryState(), batch.deliveryCount()));
                }
            }
            stored.headMap(storedStart).clear();
            written.add("start=" + data.startOffset() + " done=" + data.deliveryCompleteCount() + " " + text(ranges));
            return CompletableFuture.completedFuture(new WriteShareGroupStateResult.Builder().setTopicsData(List.of(new TopicData<>(PARTITION.topicId(),
                List.of(PartitionFactory.newPartitionErrorData(0, (short) 0, null))))).build());
        }

        @Override
        public CompletableFuture<InitializeShareGroupStateResult> initializeState(InitializeShareGroupStateParameters parameters) {
            throw new UnsupportedOperationException();
        }

        @Override
        public CompletableFuture<DeleteShareGroupStateResult> deleteState(DeleteShareGroupStateParameters parameters) {
            throw new UnsupportedOperationException();
        }

        @Override
        public CompletableFuture<ReadShareGroupStateSummaryResult> readSummary(ReadShareGroupStateSummaryParameters parameters) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void stop() {
        }
    }

    private List<PersisterStateBatch> combined() {
        List<PersisterStateBatch> batches = new ArrayList<>();
        for (PersisterStateBatch each : stored.values()) {
            PersisterStateBatch before = batches.isEmpty() ? null : batches.get(batches.size() - 1);
            boolean continues = before != null && before.lastOffset() + 1 == each.firstOffset() && before.deliveryState() == each.deliveryState()
                && before.deliveryCount() == each.deliveryCount();
            if (continues) {
                batches.set(batches.size() - 1, new PersisterStateBatch(before.firstOffset(), each.lastOffset(), each.deliveryState(), each.deliveryCount()));
            } else batches.add(each);
        }
        return batches;
    }

    private class Metadata implements PartitionMetadataProvider {
        @Override
        public long offsetForEarliestTimestamp(TopicIdPartition at, int epoch) {
            return logStart;
        }

        @Override
        public long offsetForLatestTimestamp(TopicIdPartition at, int epoch) {
            return log.get(log.size() - 1).last + 1;
        }

        @Override
        public long offsetForTimestamp(TopicIdPartition at, long timestamp, int epoch) {
            return logStart;
        }

        @Override
        public LogOffsetMetadata endOffsetMetadata(TopicIdPartition at, FetchIsolation isolation) {
            return null;
        }

        @Override
        public int leaderEpoch(TopicIdPartition at) {
            return 0;
        }

        @Override
        public boolean addPartitionListener(TopicIdPartition at, PartitionListener listener) {
            return true;
        }

        @Override
        public void removePartitionListener(TopicIdPartition at, PartitionListener listener) {
        }
    }

    private class Config extends ShareGroupConfigProvider {
        Config() {
            super(null);
        }

        @Override
        public int recordLockDurationMsOrDefault(String group, int value) {
            return LOCK_MS;
        }

        @Override
        public int deliveryCountLimitOrDefault(String group, int value) {
            return limit;
        }

        @Override
        public int partitionMaxRecordLocksOrDefault(String group, int value) {
            return locks;
        }

        @Override
        public boolean isRenewAcknowledgeEnabled(String group) {
            return isRenewable;
        }

        @Override
        public ShareGroupAutoOffsetResetStrategy autoOffsetReset(String group) {
            return ShareGroupAutoOffsetResetStrategy.EARLIEST;
        }

        @Override
        public Optional<String> errorsDLQTopicName(String group) {
            return hasQueue ? Optional.of("dlq.t") : Optional.empty();
        }
    }

    private void open() {
        dead.clear();
        burials.clear();
        timers.clear();
        ShareGroupDLQManager queue = new ShareGroupDLQManager() {
            @Override
            public CompletableFuture<Void> enqueue(ShareGroupDLQRecordParameter records) {
                CompletableFuture<Void> burial = new CompletableFuture<>();
                dead.add(records);
                burials.add(burial);
                return burial;
            }

            @Override
            public void stop() {
            }
        };
        org.apache.kafka.server.util.timer.Timer timer = new org.apache.kafka.server.util.timer.Timer() {
            @Override
            public void add(TimerTask task) {
                // A task without its entry counts as cancelled.
                new TimerTaskEntry(task, clock.now + task.delayMs);
                timers.computeIfAbsent(clock.now + task.delayMs, due -> new ArrayList<>()).add(task);
            }

            @Override
            public boolean advanceClock(long ms) {
                return false;
            }

            @Override
            public int size() {
                return timers.size();
            }

            @Override
            public void close() {
            }
        };
        java.util.function.Consumer<DelayedShareFetchKey> notifier = key -> { };
        partition = new SharePartition(GROUP, PARTITION, 0, locks, limit, LOCK_MS, timer, clock, new Store(), new Metadata(), notifier, new Config(), null,
            () -> true, queue);
        partition.maybeInitialize().join();
        held.clear();
    }

    private void pass(long ms) {
        long end = clock.now + ms;
        while (!timers.isEmpty() && timers.firstKey() <= end) {
            Map.Entry<Long, List<TimerTask>> due = timers.pollFirstEntry();
            clock.now = due.getKey();
            // What ends at one time is persisted as one here; Kafka writes record by record.
            for (TimerTask task : due.getValue()) if (!task.isCancelled()) task.run();
        }
        clock.now = end;
    }

    private String fetch(String member, boolean isStrict, int max, int size, int count) {
        if (!partition.canAcquireRecords()) return "full";
        long offset = partition.nextFetchOffset();
        if (offset < logStart) {
            partition.updateCacheAndOffsets(logStart);
            return "out of range";
        }
        List<LogBatch> read = new ArrayList<>();
        List<FetchResponseData.AbortedTransaction> aborted = new ArrayList<>();
        for (LogBatch batch : log) {
            if (batch.last < offset || read.size() >= count) continue;
            read.add(batch);
            if (batch.kind.equals("a")) aborted.add(new FetchResponseData.AbortedTransaction().setProducerId(9).setFirstOffset(batch.first));
        }
        if (read.isEmpty()) return "end";
        FetchPartitionData data = new FetchPartitionData(Errors.NONE, 1000, logStart, bytes(read), Optional.empty(), OptionalLong.empty(),
            isCommitted ? Optional.of(aborted) : Optional.empty(), OptionalInt.empty(), false);
        ShareAcquiredRecords acquired = partition.acquire(member, isStrict ? ShareAcquireMode.RECORD_LIMIT : ShareAcquireMode.BATCH_OPTIMIZED, size, max, offset, data,
            isCommitted ? FetchIsolation.TXN_COMMITTED : FetchIsolation.HIGH_WATERMARK);
        List<String> parts = new ArrayList<>();
        for (ShareFetchResponseData.AcquiredRecords records : acquired.acquiredRecords()) {
            parts.add(records.firstOffset() + "-" + records.lastOffset() + ":" + records.deliveryCount());
            held.add(new Held(member, records.firstOffset(), records.lastOffset()));
        }
        return parts.isEmpty() ? "nothing" : String.join(",", parts);
    }

    private String acknowledge(String member, List<ShareAcknowledgementBatch> batches) {
        try {
            partition.acknowledge(member, batches).join();
            return "NONE";
        } catch (java.util.concurrent.CompletionException failure) {
            return Errors.forException(failure.getCause()).name();
        }
    }

    private static String text(ShareAcknowledgementBatch batch) {
        List<String> types = new ArrayList<>();
        for (Byte type : batch.acknowledgeTypes()) types.add(type.toString());
        return batch.firstOffset() + "-" + batch.lastOffset() + ":" + String.join(",", types);
    }

    /** Acknowledgements of what a member was given, or near it. */
    private List<ShareAcknowledgementBatch> someAcknowledgements(Held records, int style) {
        List<ShareAcknowledgementBatch> batches = new ArrayList<>();
        long first = records.first;
        long last = records.last;
        if (random.nextInt(3) == 0) {
            first += random.nextInt((int) Math.min(10, last - first + 1));
            last -= random.nextInt((int) Math.min(10, last - first + 1));
        }
        if (random.nextInt(12) == 0) last += random.nextInt(4);
        if (random.nextInt(15) == 0) first -= random.nextInt(4);
        first = Math.max(0, first);
        byte[] common = {1, 2, 2, 2, 3, 0, (byte) (isRenewable || random.nextInt(5) == 0 ? 4 : 2)};
        if (style == 0) {
            batches.add(new ShareAcknowledgementBatch(first, last, List.of(common[random.nextInt(common.length)])));
        } else if (style == 1) {
            List<Byte> types = new ArrayList<>();
            for (long offset = first; offset <= last; offset++) types.add(common[random.nextInt(common.length)]);
            batches.add(new ShareAcknowledgementBatch(first, last, types));
        } else {
            long middle = first + (last - first) / 2;
            batches.add(new ShareAcknowledgementBatch(first, middle, List.of(common[random.nextInt(common.length)])));
            if (middle < last) batches.add(new ShareAcknowledgementBatch(middle + 1, last, List.of(common[random.nextInt(common.length)])));
        }
        return batches;
    }

    private void line(String request, String reply) {
        System.out.println(request + "\t" + reply + "\t" + String.join("; ", written) + "\t" + state());
        written.clear();
    }

    /** What several writes persisted together, from the start on: the same whichever of the locks is handled first. */
    private void mergeWritten() {
        TreeMap<Long, String> states = new TreeMap<>();
        for (String write : written) {
            for (String range : write.split(" ", 3)[2].split(",")) {
                if (range.isEmpty()) continue;
                String[] parts = range.split("[-:]");
                for (long offset = Long.parseLong(parts[0]); offset <= Long.parseLong(parts[1]); offset++) {
                    if (offset >= partition.startOffset()) states.put(offset, parts[2]);
                }
            }
        }
        List<String[]> ranges = new ArrayList<>();
        for (Map.Entry<Long, String> entry : states.entrySet()) add(ranges, entry.getKey(), entry.getKey(), entry.getValue());
        written.clear();
        if (!ranges.isEmpty()) written.add(text(ranges));
    }

    private void step() {
        String member = "m" + (1 + random.nextInt(2));
        int choice = random.nextInt(100);
        if (choice < 45 || held.isEmpty()) {
            boolean isStrict = random.nextInt(3) == 0;
            int max = new int[] {1, 3, 10, 50, 500}[random.nextInt(5)];
            int size = new int[] {1, 10, 500}[random.nextInt(3)];
            int count = 1 + random.nextInt(6);
            line("fetch " + member + (isStrict ? " strict" : "") + " max=" + max + " size=" + size + " batches=" + count, fetch(member, isStrict, max, size, count));
        } else if (choice < 82) {
            Held records = held.remove(random.nextInt(held.size()));
            List<ShareAcknowledgementBatch> batches = someAcknowledgements(records, random.nextInt(4) % 3);
            String owner = random.nextInt(25) == 0 ? member : records.member;
            List<String> texts = new ArrayList<>();
            for (ShareAcknowledgementBatch batch : batches) texts.add(text(batch));
            line("acknowledge " + owner + " " + String.join(" ", texts), acknowledge(owner, batches));
        } else if (choice < 87) {
            partition.releaseAcquiredRecords(member).join();
            held.removeIf(each -> each.member.equals(member));
            mergeWritten();
            line("release " + member, "");
        } else if (choice < 93) {
            long ms = new int[] {300, 700, 1000}[random.nextInt(3)];
            pass(ms);
            mergeWritten();
            line("pass " + ms, "");
        } else if (choice < 95) {
            long start = logStart + random.nextInt(12);
            if (start > partition.startOffset() && start < log.get(log.size() - 1).last) {
                logStart = start;
                partition.updateCacheAndOffsets(start);
                line("log start " + start, "");
            }
        } else if (choice < 97 && !burials.isEmpty()) {
            ShareGroupDLQRecordParameter records = dead.remove(0);
            burials.remove(0).complete(null);
            mergeWritten();
            line("dead-lettered " + records.firstOffset() + "-" + records.lastOffset(), "");
        } else if (choice < 99) {
            open();
            written.clear();
            List<String[]> ranges = new ArrayList<>();
            for (PersisterStateBatch batch : combined()) {
                ranges.add(new String[] {String.valueOf(batch.firstOffset()), String.valueOf(batch.lastOffset()), letter(RecordState.forId(batch.deliveryState())) + batch.deliveryCount()});
            }
            line("restart " + storedStart + " " + text(ranges), "");
        }
    }

    private void run(int seed, int steps) {
        List<String> batches = new ArrayList<>();
        for (LogBatch batch : log) batches.add(batch.toString());
        System.out.println("case " + seed + " limit=" + limit + " locks=" + locks + " queue=" + hasQueue + " renewable=" + isRenewable + " start=" + storedStart
            + " log=" + String.join(",", batches));
        open();
        for (int i = 0; i < steps; i++) {
            try {
                step();
            } catch (RuntimeException failure) {
                // Kafka's own state does not bear it; the conversation ends here.
                return;
            }
        }
    }

    private SharePartitionTable(int limit, int size) {
        random = new Random(0);
        this.limit = limit;
        locks = 2000;
        hasQueue = false;
        isRenewable = true;
        isCommitted = false;
        log.add(new LogBatch(0, size - 1, ""));
        open();
    }

    /** What is handed out, fetch after fetch, until all is done: everything is released, or everything but one record accepted. */
    private void throttle(int size, boolean isStrict, int max, int poison) {
        List<String> sequence = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            held.clear();
            String acquired = fetch("m1", isStrict, max, 500, 5);
            if (held.isEmpty()) break;
            sequence.add(acquired);
            for (Held records : held) {
                List<Byte> types = new ArrayList<>();
                for (long offset = records.first; offset <= records.last; offset++) types.add((byte) (poison < 0 || offset == poison ? 2 : 1));
                partition.acknowledge("m1", List.of(new ShareAcknowledgementBatch(records.first, records.last, types))).join();
            }
        }
        String how = poison < 0 ? "release all" : "release " + poison;
        System.out.println("throttle limit=" + limit + " size=" + size + (isStrict ? " strict" : "") + " max=" + max + "\t" + how + "\t" + String.join(" ", sequence));
    }

    public static void main(String[] args) {
        int cases = Integer.parseInt(args[0]);
        int steps = Integer.parseInt(args[1]);
        for (int limit = 2; limit <= 10; limit++) {
            for (int size : new int[] {1, 7, 100}) {
                for (int poison : new int[] {-1, size / 3}) {
                    new SharePartitionTable(limit, size).throttle(size, false, 500, poison);
                    new SharePartitionTable(limit, size).throttle(size, true, 30, poison);
                }
            }
        }
        for (int seed = 1; seed <= cases; seed++) new SharePartitionTable(seed).run(seed, steps);
    }
}
