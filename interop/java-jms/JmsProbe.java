// SPDX-License-Identifier: Apache-2.0
import jakarta.jms.BytesMessage;
import jakarta.jms.CompletionListener;
import jakarta.jms.DeliveryMode;
import jakarta.jms.JMSConsumer;
import jakarta.jms.JMSContext;
import jakarta.jms.JMSProducer;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.ObjectMessage;
import jakarta.jms.Queue;
import jakarta.jms.QueueBrowser;
import jakarta.jms.StreamMessage;
import jakarta.jms.TemporaryQueue;
import jakarta.jms.TextMessage;
import jakarta.jms.Topic;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.qpid.jms.JmsConnectionFactory;

/** What a Jakarta Messaging 3.1 program sees of a provider, a line for each outcome: the lines must be the same everywhere. */
public class JmsProbe {
  private static String run;
  private static JmsConnectionFactory factory;

  private static void say(String what, Object outcome) {
    System.out.println(what + ": " + outcome);
  }

  private static Queue queue(JMSContext context, String name) {
    return context.createQueue("probe." + name + "." + run);
  }

  private static Topic topic(JMSContext context, String name) {
    return context.createTopic("probe." + name + "." + run);
  }

  private static String describe(Message message) throws Exception {
    if (message == null) return "nothing";
    String body =
        message instanceof TextMessage
            ? "text " + ((TextMessage) message).getText()
            : message instanceof MapMessage
                ? "map " + new TreeMap<>(message.getBody(java.util.Map.class))
                : message instanceof ObjectMessage
                    ? "object " + ((ObjectMessage) message).getObject()
                    : message instanceof StreamMessage
                        ? "stream " + ((StreamMessage) message).readString()
                        : message instanceof BytesMessage
                            ? "bytes " + ((BytesMessage) message).getBodyLength()
                            : "message";
    return body
        + " p" + message.getJMSPriority()
        + (message.getJMSDeliveryMode() == DeliveryMode.PERSISTENT ? " persistent" : " fleeting")
        + " #" + message.getIntProperty("JMSXDeliveryCount")
        + (message.getJMSRedelivered() ? " again" : "");
  }

  interface Part {
    void run() throws Exception;
  }

  private static void part(String name, Part part) {
    try {
      part.run();
    } catch (Throwable error) {
      say(name, "threw " + error.getClass().getSimpleName());
      if (Boolean.getBoolean("probe.traces")) error.printStackTrace();
    }
  }

  public static void main(String[] arguments) throws Exception {
    factory = new JmsConnectionFactory(arguments[0]);
    run = arguments[1];

    part("types", () -> {
      try (JMSContext context = factory.createContext()) {
        Queue queue = queue(context, "types");
        JMSProducer producer = context.createProducer().setPriority(7);
        producer.send(queue, "text");
        java.util.Map<String, Object> map = Collections.singletonMap("a", 1);
        producer.send(queue, map);
        producer.send(queue, new byte[5]);
        producer.send(queue, (java.io.Serializable) new ArrayList<>(List.of("x", 2)));
        StreamMessage stream = context.createStreamMessage();
        stream.writeString("s");
        producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT).send(queue, stream);
        producer.send(queue, context.createMessage());
        JMSConsumer consumer = context.createConsumer(queue);
        for (int i = 0; i < 6; i++) say("types " + i, describe(consumer.receive(5000)));
      }
    });

    part("transacted", () -> {
      try (JMSContext context = factory.createContext(JMSContext.SESSION_TRANSACTED)) {
        Queue queue = queue(context, "transacted");
        for (int i = 0; i < 5; i++) context.createProducer().send(queue, "m" + i);
        context.commit();
        JMSConsumer consumer = context.createConsumer(queue);
        for (int i = 0; i < 3; i++) say("before rollback", describe(consumer.receive(5000)));
        context.createProducer().send(queue, "never");
        context.rollback();
        for (int i = 0; i < 5; i++) say("after rollback", describe(consumer.receive(5000)));
        context.commit();
        say("after commit", describe(consumer.receiveNoWait()));
      }
    });

    part("client", () -> {
      try (JMSContext context = factory.createContext(JMSContext.CLIENT_ACKNOWLEDGE)) {
        Queue queue = queue(context, "client");
        for (int i = 0; i < 3; i++) context.createProducer().send(queue, "c" + i);
        JMSConsumer consumer = context.createConsumer(queue);
        say("client", describe(consumer.receive(5000)));
        context.recover();
        for (int i = 0; i < 3; i++) say("recovered", describe(consumer.receive(5000)));
        context.acknowledge();
        say("acknowledged", describe(consumer.receiveNoWait()));
      }
    });

    part("selectors", () -> {
      try (JMSContext context = factory.createContext()) {
        Queue queue = queue(context, "selectors");
        for (int i = 0; i < 20; i++) {
          context.createProducer().setProperty("n", i).setProperty("s", i % 2 == 0 ? "even" : "odd").send(queue, "s" + i);
        }
        QueueBrowser browser = context.createBrowser(queue, "n BETWEEN 3 AND 5 OR s LIKE 'e%' AND n > 17");
        List<String> seen = new ArrayList<>();
        for (Enumeration<?> all = browser.getEnumeration(); all.hasMoreElements(); ) {
          seen.add(((TextMessage) all.nextElement()).getText());
        }
        say("browsed", seen);
        JMSConsumer odd = context.createConsumer(queue, "s = 'odd' AND JMSPriority = 4");
        say("selected", odd.receiveBody(String.class, 5000));
        part("bad selector", () -> context.createConsumer(queue, "n = = 1"));
      }
    });

    part("priority and time", () -> {
      try (JMSContext context = factory.createContext()) {
        Queue queue = queue(context, "priority");
        context.createProducer().setPriority(2).send(queue, "low");
        context.createProducer().setPriority(9).send(queue, "high");
        context.createProducer().setTimeToLive(50).send(queue, "expires");
        context.createProducer().setDeliveryDelay(800).send(queue, "late");
        Thread.sleep(400);
        JMSConsumer consumer = context.createConsumer(queue);
        for (int i = 0; i < 3; i++) say("in time", describe(consumer.receive(5000)));
        say("no more", describe(consumer.receive(200)));
      }
    });

    part("topics", () -> {
      factory.setClientID("probe-" + run);
      try (JMSContext context = factory.createContext()) {
        Topic topic = topic(context, "topics");
        context.createProducer().send(topic, "unheard");
        JMSConsumer plain = context.createConsumer(topic);
        JMSConsumer durable = context.createDurableConsumer(topic, "d");
        JMSConsumer first = context.createSharedDurableConsumer(topic, "sd");
        JMSConsumer second = context.createSharedDurableConsumer(topic, "sd");
        JMSConsumer shared = context.createSharedConsumer(topic, "s");
        context.createProducer().send(topic, "t1");
        context.createProducer().send(topic, "t2");
        say("plain", plain.receiveBody(String.class, 5000) + plain.receiveBody(String.class, 5000));
        say("durable", durable.receiveBody(String.class, 5000) + durable.receiveBody(String.class, 5000));
        say("shared", shared.receiveBody(String.class, 5000) + shared.receiveBody(String.class, 5000));
        List<String> parts = new ArrayList<>(List.of(first.receiveBody(String.class, 5000), second.receiveBody(String.class, 5000)));
        Collections.sort(parts);
        say("shared durable", parts);
        part("unsubscribe in use", () -> context.unsubscribe("d"));
        durable.close();
        context.createProducer().send(topic, "t3");
        say("kept", context.createDurableConsumer(topic, "d").receiveBody(String.class, 5000));
      }
      try (JMSContext context = factory.createContext()) {
        context.unsubscribe("d");
        context.unsubscribe("sd");
        part("unsubscribe again", () -> context.unsubscribe("d"));
        part("client id in use", () -> factory.createContext().start());
      }
      factory.setClientID(null);
    });

    part("temporary", () -> {
      try (JMSContext context = factory.createContext()) {
        TemporaryQueue temporary = context.createTemporaryQueue();
        context.createProducer().send(temporary, "t");
        say("temporary", context.createConsumer(temporary).receiveBody(String.class, 5000));
        part("delete in use", () -> temporary.delete());
      }
    });

    part("asynchronous", () -> {
      try (JMSContext context = factory.createContext()) {
        Queue queue = queue(context, "async");
        CountDownLatch done = new CountDownLatch(100);
        JMSProducer producer = context.createProducer().setAsync(
            new CompletionListener() {
              @Override
              public void onCompletion(Message message) {
                done.countDown();
              }

              @Override
              public void onException(Message message, Exception exception) {
                say("async", exception);
              }
            });
        for (int i = 0; i < 100; i++) producer.send(queue, "a" + i);
        say("completed", done.await(5, TimeUnit.SECONDS));
        List<String> order = new ArrayList<>();
        CountDownLatch received = new CountDownLatch(100);
        JMSContext listening = context.createContext(JMSContext.AUTO_ACKNOWLEDGE);
        listening.createConsumer(queue).setMessageListener(message -> {
          try {
            order.add(message.getBody(String.class));
          } catch (Exception error) {
            order.add(error.toString());
          }
          received.countDown();
        });
        say("received", received.await(5, TimeUnit.SECONDS) + " " + order.get(0) + " " + order.get(99));
        listening.close();
      }
    });

    part("dead letters", () -> {
      try (JMSContext context = factory.createContext(JMSContext.SESSION_TRANSACTED)) {
        Queue queue = queue(context, "dead");
        context.createProducer().setProperty("of", run).send(queue, "poison");
        context.commit();
        JMSConsumer consumer = context.createConsumer(queue);
        int deliveries = 0;
        while (consumer.receive(1000) != null && deliveries < 20) {
          deliveries++;
          context.rollback();
        }
        say("deliveries", deliveries);
        say("dead", context.createConsumer(context.createQueue("DLQ"), "of = '" + run + "'").receiveBody(String.class, 5000));
        context.commit();
      }
    });
    System.exit(0);
  }
}
