// SPDX-License-Identifier: Apache-2.0
import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.flume.Channel;
import org.apache.flume.Sink;
import org.apache.flume.SinkRunner;
import org.apache.flume.SourceRunner;
import org.apache.flume.node.FileConfigurationSource;
import org.apache.flume.node.MaterializedConfiguration;
import org.apache.flume.node.UriConfigurationProvider;

/**
 * Reads lines "agent TAB file" and answers each with one JSON object: the components that Flume would run. Nothing is started.
 */
public class ConfigurationLoader {
  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    Gson gson = new Gson();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split("\t");
      System.out.println(gson.toJson(load(words[0], words[1])));
    }
    System.out.flush();
    System.exit(0);
  }

  private static Map<String, Object> load(String agent, String file) {
    Map<String, Object> answer = new TreeMap<>();
    TreeSet<String> channels = new TreeSet<>();
    TreeMap<String, TreeSet<String>> sources = new TreeMap<>();
    TreeMap<String, String> sinks = new TreeMap<>();
    TreeMap<String, TreeSet<String>> groups = new TreeMap<>();
    answer.put("channels", channels);
    answer.put("sources", sources);
    answer.put("sinks", sinks);
    answer.put("groups", groups);
    try {
      var source = new FileConfigurationSource(new File(file).toURI());
      var provider = new UriConfigurationProvider(agent, List.of(source), null, null, 0);
      MaterializedConfiguration loaded = provider.getConfiguration();
      channels.addAll(loaded.getChannels().keySet());
      for (Map.Entry<String, SourceRunner> entry : loaded.getSourceRunners().entrySet()) {
        TreeSet<String> names = new TreeSet<>();
        for (Channel channel : entry.getValue().getSource().getChannelProcessor().getSelector().getAllChannels()) {
          names.add(channel.getName());
        }
        sources.put(entry.getKey(), names);
      }
      for (Map.Entry<String, SinkRunner> entry : loaded.getSinkRunners().entrySet()) {
        TreeSet<String> members = new TreeSet<>();
        for (Sink sink : sinksOf(entry.getValue().getPolicy())) {
          members.add(sink.getName());
          sinks.put(sink.getName(), sink.getChannel().getName());
        }
        groups.put(entry.getKey(), members);
      }
    } catch (Throwable failure) {
      answer.put("error", failure.toString());
    }
    return answer;
  }

  /** The sinks of a processor, which keeps them in a field of its own. */
  private static Collection<Sink> sinksOf(Object processor) throws IllegalAccessException {
    List<Sink> found = new ArrayList<>();
    for (Class<?> type = processor.getClass(); type != null; type = type.getSuperclass()) {
      for (Field field : type.getDeclaredFields()) {
        field.setAccessible(true);
        Object value = field.get(processor);
        if (value instanceof Sink sink) {
          found.add(sink);
        } else if (value instanceof Map<?, ?> map) {
          for (Object each : map.values()) {
            if (each instanceof Sink sink) {
              found.add(sink);
            }
          }
        } else if (value instanceof Collection<?> list) {
          for (Object each : list) {
            if (each instanceof Sink sink) {
              found.add(sink);
            }
          }
        }
      }
    }
    return found;
  }
}
