// SPDX-License-Identifier: Apache-2.0
import java.util.Collections;
import java.util.List;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.transport.Netty4Plugin;

/** One node of Elasticsearch with HTTP on a port. Arguments: port, data directory. */
public class ElasticsearchServer {
  private static class OneNode extends Node {
    OneNode(Settings settings) {
      super(
          InternalSettingsPreparer.prepareEnvironment(
              settings, Collections.emptyMap(), null, () -> "one"),
          List.of(Netty4Plugin.class),
          false);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Settings settings =
        Settings.builder()
            .put("path.home", arguments[1])
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[0])
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("transport.port", "0")
            .put("discovery.type", "single-node")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
    new OneNode(settings).start();
    System.out.println("server ready");
    Thread.currentThread().join();
  }
}
