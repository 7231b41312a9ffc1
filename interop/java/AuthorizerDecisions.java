// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;

/**
 * Asks Apache Kafka's StandardAuthorizer. Reads one set of ACLs with its queries per line, as JSON, and prints one line
 * for each set: {@code 1} for an allowed query, {@code 0} for a denied one. A query without a name asks for any resource
 * of its type.
 */
public class AuthorizerDecisions {
  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      System.out.println(decide(mapper.readTree(line)));
    }
  }

  private static String decide(JsonNode set) throws Exception {
    Metrics metrics = new Metrics();
    StandardAuthorizer authorizer = new StandardAuthorizer();
    authorizer.configure(Map.of("super.users", set.get("superUsers").asText(), "allow.everyone.if.no.acl.found",
        set.get("allowEveryoneIfNoAclFound").asText()));
    for (JsonNode acl : set.get("acls")) {
      authorizer.addAcl(Uuid.randomUuid(),
          new StandardAcl(ResourceType.valueOf(acl.get("type").asText()), acl.get("name").asText(),
              PatternType.valueOf(acl.get("pattern").asText()), acl.get("principal").asText(), acl.get("host").asText(),
              AclOperation.valueOf(acl.get("op").asText()), AclPermissionType.valueOf(acl.get("permission").asText())));
    }
    authorizer.withPluginMetrics(new PluginMetricsImpl(metrics, Map.of()));
    authorizer.completeInitialLoad();
    StringBuilder answers = new StringBuilder();
    for (JsonNode query : set.get("queries")) {
      Client client = new Client(query.get("principal").asText(), InetAddress.getByName(query.get("host").asText()));
      AclOperation operation = AclOperation.valueOf(query.get("op").asText());
      ResourceType type = ResourceType.valueOf(query.get("type").asText());
      AuthorizationResult result;
      if (query.get("name") == null) {
        result = authorizer.authorizeByResourceType(client, operation, type);
      } else {
        ResourcePattern pattern = new ResourcePattern(type, query.get("name").asText(), PatternType.LITERAL);
        result = authorizer.authorize(client, List.of(new Action(operation, pattern, 1, false, false))).get(0);
      }
      answers.append(result == AuthorizationResult.ALLOWED ? '1' : '0');
    }
    metrics.close();
    return answers.toString();
  }

  private record Client(String name, InetAddress address) implements AuthorizableRequestContext {
    @Override
    public String listenerName() {
      return "PLAINTEXT";
    }

    @Override
    public SecurityProtocol securityProtocol() {
      return SecurityProtocol.PLAINTEXT;
    }

    @Override
    public KafkaPrincipal principal() {
      int colon = name.indexOf(':');
      return new KafkaPrincipal(name.substring(0, colon), name.substring(colon + 1));
    }

    @Override
    public InetAddress clientAddress() {
      return address;
    }

    @Override
    public int requestType() {
      return 0;
    }

    @Override
    public int requestVersion() {
      return 0;
    }

    @Override
    public String clientId() {
      return "";
    }

    @Override
    public int correlationId() {
      return 0;
    }
  }
}
