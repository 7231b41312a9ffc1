// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

/** Encodes messages given as JSON lines with Apache Kafka's own generated classes, and adds the bytes in hex. */
public class CaptureMessages {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.common.metadata.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.coordinator.share.generated.",
    };

    private static Class<?> converter(String name) throws ClassNotFoundException {
        for (String prefix : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    return Class.forName(prefix + name + suffix + "JsonConverter");
                } catch (ClassNotFoundException missing) {
                    // Another package has it.
                }
            }
        }
        throw new ClassNotFoundException(name);
    }

    public static void main(String[] args) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            ObjectNode request = (ObjectNode) mapper.readTree(line);
            String name = request.get("name").asText();
            short version = (short) request.get("version").asInt();
            try {
                Message message = (Message) converter(name)
                    .getMethod("read", JsonNode.class, short.class)
                    .invoke(null, request.get("json"), version);
                ByteBuffer bytes = MessageUtil.toByteBufferAccessor(message, version).buffer();
                byte[] data = new byte[bytes.remaining()];
                bytes.get(data);
                request.put("hex", HexFormat.of().formatHex(data));
                System.out.println(mapper.writeValueAsString(request));
            } catch (InvocationTargetException | ClassNotFoundException failure) {
                Throwable cause = failure.getCause() == null ? failure : failure.getCause();
                System.err.println(name + " v" + version + ": " + cause);
            }
        }
    }
}
