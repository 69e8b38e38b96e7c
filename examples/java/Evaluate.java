import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/** How many: as many consumers as the records need, in steps in which another one makes a difference. */
public final class Evaluate {
    private static final int PARTITIONS = 12; // of the topic
    private static final double RECORDS_PER_SECOND = 100; // that one consumer takes
    private static final double CATCH_UP = 300; // seconds in which what waits has to be done

    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws IOException {
        String known = JSON.readTree(System.in).at("/metrics/0/value").asText(); // what cat was given
        JsonNode metrics = JSON.readTree(known).path("kubernetesMetrics");
        double lag = external(metrics, "consumer_lag");
        double perSecond = external(metrics, "records_per_second");

        double needed = (perSecond + lag / CATCH_UP) / RECORDS_PER_SECOND;
        int consumers = consumersFor(needed);
        String reason = "%.0f records come in each second, %.0f wait: work for %.1f, and one of %d has %d of %d partitions at most"
                .formatted(perSecond, lag, needed, consumers, share(consumers), PARTITIONS);
        System.out.println(JSON.createObjectNode().put("targetReplicas", consumers).put("reason", reason));
    }

    /**
     * The fewest consumers of which the one with most partitions is not overloaded. Of 12 partitions, 5 consumers have 3, 3, 2, 2 and 2: the
     * first two are as busy as each of 4 would be, so that there are 4 or 6. More than one for each partition would have nothing to do.
     */
    static int consumersFor(double needed) {
        for (int consumers = 1; consumers < PARTITIONS; consumers++) {
            if (share(consumers) * needed <= PARTITIONS) {
                return consumers;
            }
        }
        return PARTITIONS;
    }

    /** The most partitions that one of so many consumers has. */
    private static int share(int consumers) {
        return (PARTITIONS + consumers - 1) / consumers;
    }

    private static double external(JsonNode metrics, String name) {
        for (JsonNode metric : metrics) {
            JsonNode value = metric.at("/external/current/average_value");
            if (metric.at("/spec/external/metric/name").asText().equals(name) && value.isNumber()) {
                return value.asDouble() / 1000; // values are in thousandths
            }
        }
        System.err.println(name + " is not known, and is not guessed");
        System.exit(1);
        return Double.NaN; // nobody comes here
    }
}
