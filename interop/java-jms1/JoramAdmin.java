// SPDX-License-Identifier: Apache-2.0
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import org.apache.qpid.jms.JmsConnectionFactory;
import org.apache.qpid.jms.JmsQueue;
import org.apache.qpid.jms.JmsTopic;
import org.objectweb.jtests.jms.admin.Admin;

/**
 * What the Joram suite needs of a provider: names to look up. Each destination that a test makes is a new one, as the suite
 * deletes its destinations in between.
 */
public class JoramAdmin implements Admin {
  private static final AtomicInteger COUNTER = new AtomicInteger();
  private final Map<String, Object> bound = new ConcurrentHashMap<>();

  private static Object factory() {
    return new JmsConnectionFactory(System.getProperty("amqp.url"));
  }

  private static String fresh(String name) {
    return "joram." + name + "." + System.getProperty("joram.run") + "." + COUNTER.incrementAndGet();
  }

  @Override
  public String getName() {
    return getClass().getName();
  }

  @Override
  public Context createContext() {
    return (Context)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Context.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("lookup")) {
                Object found = bound.get(String.valueOf(arguments[0]));
                if (found == null) throw new NameNotFoundException(String.valueOf(arguments[0]));
                return found;
              }
              return null;
            });
  }

  @Override
  public void createConnectionFactory(String name) {
    bound.put(name, factory());
  }

  @Override
  public void createQueueConnectionFactory(String name) {
    bound.put(name, factory());
  }

  @Override
  public void createTopicConnectionFactory(String name) {
    bound.put(name, factory());
  }

  @Override
  public void createQueue(String name) {
    bound.put(name, new JmsQueue(fresh(name)));
  }

  @Override
  public void createTopic(String name) {
    bound.put(name, new JmsTopic(fresh(name)));
  }

  @Override
  public void deleteQueue(String name) {
    bound.remove(name);
  }

  @Override
  public void deleteTopic(String name) {
    bound.remove(name);
  }

  @Override
  public void deleteConnectionFactory(String name) {
    bound.remove(name);
  }

  @Override
  public void deleteQueueConnectionFactory(String name) {
    bound.remove(name);
  }

  @Override
  public void deleteTopicConnectionFactory(String name) {
    bound.remove(name);
  }

  @Override
  public void startServer() {}

  @Override
  public void stopServer() {}

  @Override
  public void start() {}

  @Override
  public void stop() {}
}
