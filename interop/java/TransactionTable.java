// SPDX-License-Identifier: Apache-2.0
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import kafka.coordinator.transaction.TransactionCoordinator;
import kafka.coordinator.transaction.TransactionMarkerChannelManager;
import kafka.coordinator.transaction.TransactionStateManager;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.TransactionResult;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.common.utils.internals.ProducerIdAndEpoch;
import org.apache.kafka.coordinator.transaction.CoordinatorEpochAndTxnMetadata;
import org.apache.kafka.coordinator.transaction.ProducerIdManager;
import org.apache.kafka.coordinator.transaction.TransactionConfig;
import org.apache.kafka.coordinator.transaction.TransactionMetadata;
import org.apache.kafka.coordinator.transaction.TransactionState;
import org.apache.kafka.coordinator.transaction.TransactionalIdAndProducerIdEpoch;
import org.apache.kafka.coordinator.transaction.TxnTransitMetadata;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.common.TransactionVersion;
import scala.Function1;
import scala.Function3;
import scala.Option;
import scala.runtime.BoxedUnit;
import scala.util.Either;
import scala.util.Right;

/**
 * Prints the decisions of Kafka's transaction coordinator, one a line, tab-separated: transaction.version of the server, state, epochs,
 * whether a transition is pending, request, reply, and the states it writes. The log and the markers are replaced by ones that
 * succeed at once, so that states which a running broker leaves within a millisecond are reached as well.
 */
public class TransactionTable {
    private static final String ID = "t";
    private static final long PRODUCER = 100;
    private static final long PREVIOUS = 90;
    private static final long FRESH = 200;
    private static final long OTHER = 7;
    private static final int TIMEOUT_MS = 60_000;
    private static final long START_MS = 1_000;
    private static final TopicPartition KNOWN = new TopicPartition("t", 0);
    private static final TopicPartition NEW = new TopicPartition("t", 1);

    private static TransactionMetadata transaction;
    private static TransactionVersion serverVersion;
    private static final List<String> written = new ArrayList<>();

    /** The epochs that a row starts from. */
    private record Epochs(int current, int last, long previous) {
        @Override
        public String toString() {
            return current + "/" + last + "/" + name(previous);
        }
    }

    private static String name(long producerId) {
        if (producerId == PRODUCER) return "same";
        if (producerId == PREVIOUS) return "previous";
        if (producerId == FRESH) return "fresh";
        if (producerId == OTHER) return "other";
        return String.valueOf(producerId);
    }

    private static String text(TxnTransitMetadata next) {
        TreeSet<String> partitions = new TreeSet<>();
        for (TopicPartition partition : next.topicPartitions()) partitions.add(partition.toString());
        boolean isStarted = next.txnStartTimestamp() != -1;
        return next.txnState() + " " + name(next.producerId()) + " " + next.producerEpoch() + "/" + next.lastProducerEpoch() + " previous="
            + name(next.prevProducerId()) + " next=" + name(next.nextProducerId()) + " partitions=" + String.join(",", partitions) + " started="
            + isStarted + " client=" + next.clientTransactionVersion().featureLevel();
    }

    private static class States extends TransactionStateManager {
        States() {
            super(1, null, null, null, new TransactionConfig(1_000_000, 900_000, 1, (short) 1, 1, 1, 1, 1, 1, false, 1), Time.SYSTEM, new Metrics());
        }

        @Override
        public TransactionVersion transactionVersionLevel() {
            return serverVersion;
        }

        @Override
        public Either<Errors, Option<CoordinatorEpochAndTxnMetadata>> getTransactionState(String id) {
            return new Right<>(transaction == null ? Option.empty() : Option.apply(new CoordinatorEpochAndTxnMetadata(1, transaction)));
        }

        @Override
        public Either<Errors, CoordinatorEpochAndTxnMetadata> putTransactionStateIfNotExists(TransactionMetadata created) {
            transaction = created;
            return new Right<>(new CoordinatorEpochAndTxnMetadata(1, created));
        }

        @Override
        public void appendTransactionToLog(String id, int epoch, TxnTransitMetadata next, Function1<Errors, BoxedUnit> reply, Function1<Errors, Object> retry, RequestLocal local) {
            written.add(text(next));
            transaction.completeTransitionTo(next);
            reply.apply(Errors.NONE);
        }

        @Override
        public scala.collection.Iterable<TransactionalIdAndProducerIdEpoch> timedOutTransactions() {
            List<TransactionalIdAndProducerIdEpoch> overdue = new ArrayList<>();
            if (transaction != null && transaction.state() == TransactionState.ONGOING && !transaction.pendingTransitionInProgress()) {
                overdue.add(new TransactionalIdAndProducerIdEpoch(ID, transaction.producerId(), transaction.producerEpoch()));
            }
            return scala.jdk.javaapi.CollectionConverters.asScala((Iterable<TransactionalIdAndProducerIdEpoch>) overdue);
        }
    }

    private static class Markers extends TransactionMarkerChannelManager {
        Markers() {
            super(null, null, null, null, null);
        }

        @Override
        public void addTxnMarkersToSend(int epoch, TransactionResult result, TransactionMetadata metadata, TxnTransitMetadata next) {
            written.add(text(next));
        }
    }

    private static Markers markers() throws Exception {
        Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        return (Markers) ((sun.misc.Unsafe) field.get(null)).allocateInstance(Markers.class);
    }

    private static TransactionCoordinator coordinator;
    private static final List<String> replies = new ArrayList<>();

    private static void init(Long producerId, int epoch) {
        Option<ProducerIdAndEpoch> expected = producerId == null ? Option.empty() : Option.apply(new ProducerIdAndEpoch(producerId, (short) epoch));
        coordinator.handleInitProducerId(ID, TIMEOUT_MS, false, false, expected, result -> {
            replies.add(result.error() == Errors.NONE ? "NONE " + name(result.producerId()) + " " + result.producerEpoch() : result.error().name());
            return BoxedUnit.UNIT;
        }, RequestLocal.noCaching());
    }

    private static void add(TransactionVersion version, long producerId, int epoch, TopicPartition partition) {
        coordinator.handleAddPartitionsToTransaction(ID, producerId, (short) epoch, Set.of(partition), error -> {
            replies.add(error.name());
            return BoxedUnit.UNIT;
        }, version, RequestLocal.noCaching());
    }

    private static void verify(long producerId, int epoch, TopicPartition partition) {
        coordinator.handleVerifyPartitionsInTransaction(ID, producerId, (short) epoch, Set.of(partition), result -> {
            short code = result.topicResults().iterator().next().resultsByPartition().iterator().next().partitionErrorCode();
            replies.add(Errors.forCode(code).name());
            return BoxedUnit.UNIT;
        });
    }

    private static void end(TransactionVersion version, long producerId, int epoch, TransactionResult result) {
        Function3<Errors, Object, Object, BoxedUnit> reply = (error, newId, newEpoch) -> {
            boolean hasProducer = error == Errors.NONE && version.supportsEpochBump();
            replies.add(error.name() + (hasProducer ? " " + name((Long) newId) + " " + newEpoch : ""));
            return BoxedUnit.UNIT;
        };
        coordinator.handleEndTransaction(ID, producerId, (short) epoch, result, version, reply, RequestLocal.noCaching());
    }

    private static void timeOut() {
        coordinator.abortTimedOutTransactions(id -> (error, newId, newEpoch) -> BoxedUnit.UNIT);
    }

    private static TransactionMetadata starting(TransactionState state, Epochs epochs, TransactionVersion clientVersion, boolean isPending) {
        Set<TopicPartition> partitions = new HashSet<>();
        boolean isOpen = state == TransactionState.ONGOING || state == TransactionState.PREPARE_COMMIT || state == TransactionState.PREPARE_ABORT;
        if (isOpen) partitions.add(KNOWN);
        TransactionMetadata metadata = new TransactionMetadata(ID, PRODUCER, epochs.previous, -1, (short) epochs.current, (short) epochs.last,
            TIMEOUT_MS, state, partitions, state == TransactionState.EMPTY ? -1 : START_MS, START_MS, clientVersion);
        if (isPending) {
            TransactionState next = switch (state) {
                case EMPTY -> TransactionState.ONGOING;
                case ONGOING -> TransactionState.PREPARE_COMMIT;
                case PREPARE_COMMIT -> TransactionState.COMPLETE_COMMIT;
                case PREPARE_ABORT -> TransactionState.COMPLETE_ABORT;
                default -> TransactionState.EMPTY;
            };
            metadata.pendingState(Optional.of(next));
        }
        return metadata;
    }

    private static void row(String start, Runnable prepare, String request, Runnable run) {
        prepare.run();
        written.clear();
        replies.clear();
        try {
            run.run();
        } catch (IllegalStateException | IllegalArgumentException failure) {
            replies.add(Errors.UNKNOWN_SERVER_ERROR.name());
        }
        System.out.println(String.join("\t", start, request, String.join("; ", replies), String.join("; ", written)));
    }

    private static void rows(String start, Runnable prepare, Epochs epochs, boolean isServerFixed) {
        TreeSet<Integer> near = new TreeSet<>(List.of(epochs.current - 1, epochs.current, Math.min(32767, epochs.current + 1)));
        row(start, prepare, "init", () -> init(null, -1));
        for (int epoch : near) row(start, prepare, "init same " + epoch, () -> init(PRODUCER, epoch));
        if (epochs.previous == PREVIOUS) {
            row(start, prepare, "init previous 32766", () -> init(PREVIOUS, 32766));
            row(start, prepare, "init previous 5", () -> init(PREVIOUS, 5));
        }
        row(start, prepare, "init other " + epochs.current, () -> init(OTHER, epochs.current));
        row(start, prepare, "time-out", TransactionTable::timeOut);
        if (isServerFixed) return;
        for (TransactionVersion version : List.of(TransactionVersion.TV_0, TransactionVersion.TV_2)) {
            String client = " client=" + version.featureLevel();
            for (int epoch : near) {
                row(start, prepare, "add same " + epoch + " t-1" + client, () -> add(version, PRODUCER, epoch, NEW));
            }
            row(start, prepare, "add same " + epochs.current + " t-0" + client, () -> add(version, PRODUCER, epochs.current, KNOWN));
            row(start, prepare, "add other " + epochs.current + " t-1" + client, () -> add(version, OTHER, epochs.current, NEW));
            for (TransactionResult result : TransactionResult.values()) {
                String end = result == TransactionResult.COMMIT ? "commit " : "abort ";
                for (int epoch : near) row(start, prepare, end + "same " + epoch + client, () -> end(version, PRODUCER, epoch, result));
                if (epochs.previous == PREVIOUS) {
                    row(start, prepare, end + "previous 32766" + client, () -> end(version, PREVIOUS, 32766, result));
                    row(start, prepare, end + "previous 5" + client, () -> end(version, PREVIOUS, 5, result));
                }
                row(start, prepare, end + "other " + epochs.current + client, () -> end(version, OTHER, epochs.current, result));
            }
        }
        for (int epoch : near) row(start, prepare, "verify same " + epoch + " t-0", () -> verify(PRODUCER, epoch, KNOWN));
        row(start, prepare, "verify same " + epochs.current + " t-1", () -> verify(PRODUCER, epochs.current, NEW));
        row(start, prepare, "verify other " + epochs.current + " t-0", () -> verify(OTHER, epochs.current, KNOWN));
    }

    public static void main(String[] args) throws Exception {
        ProducerIdManager ids = () -> FRESH;
        TransactionConfig config = new TransactionConfig(1_000_000, 900_000, 1, (short) 1, 1, 1, 1, 1, 1, false, 1);
        coordinator = new TransactionCoordinator(config, null, () -> ids, new States(), markers(), Time.SYSTEM, new LogContext(""));
        System.out.println("server\tstate\tepoch/last/previous\tpending\trequest\treply\twritten");
        List<TransactionState> states = List.of(TransactionState.EMPTY, TransactionState.ONGOING, TransactionState.PREPARE_COMMIT,
            TransactionState.PREPARE_ABORT, TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT);
        List<Epochs> all = List.of(new Epochs(5, 4, PRODUCER), new Epochs(5, -1, PRODUCER), new Epochs(0, 32766, PREVIOUS),
            new Epochs(32766, 32765, PRODUCER), new Epochs(32767, -1, PRODUCER));
        for (short level : new short[] {0, 1, 2}) {
            serverVersion = TransactionVersion.fromFeatureLevel(level);
            boolean isServerFixed = level < 2;
            String absent = level + "\tabsent\t-1/-1/-1\tno";
            Runnable forget = () -> transaction = null;
            if (!isServerFixed) rows(absent, forget, new Epochs(0, -1, PRODUCER), false);
            for (TransactionState state : states) {
                boolean isPrepared = state == TransactionState.PREPARE_COMMIT || state == TransactionState.PREPARE_ABORT;
                for (Epochs epochs : all) {
                    // Only fencing reaches the last epoch.
                    if (epochs.current == 32767 && state != TransactionState.COMPLETE_ABORT) continue;
                    for (boolean isPending : isPrepared ? new boolean[] {true} : new boolean[] {false, true}) {
                        if (isPending && epochs.current != 5 && epochs.current != 0) continue;
                        if (isServerFixed && state != TransactionState.ONGOING) continue;
                        String start = String.join("\t", String.valueOf(level), state.toString(), epochs.toString(), isPending ? "yes" : "no");
                        TransactionVersion clientVersion = TransactionVersion.TV_2;
                        rows(start, () -> transaction = starting(state, epochs, clientVersion, isPending), epochs, isServerFixed);
                    }
                }
            }
        }
    }
}
