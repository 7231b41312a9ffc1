// SPDX-License-Identifier: Apache-2.0
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import org.apache.qpid.jms.JmsConnectionFactory;

/**
 * Uses destinations as a user, each in a session of its own, and prints a line for each use: {@code ok} with what was received, or
 * the class of the exception. Arguments: URL, user, password, client id.
 */
public class SecuredDestinations {
  private interface Use {
    String run(Session session) throws Exception;
  }

  private static Connection connection;

  public static void main(String[] args) throws Exception {
    JmsConnectionFactory factory = new JmsConnectionFactory(args[0]);
    try {
      connection = factory.createConnection(args[1], args[2]);
      connection.setClientID(args[3]);
      connection.start();
    } catch (JMSException error) {
      System.out.println("connect: " + nameOf(error));
      System.exit(0);
    }
    System.out.println("connect: ok");
    attempt("send to a queue", session -> send(session.createProducer(session.createQueue("q")), session, null));
    attempt("send without a fixed destination", session -> send(session.createProducer(null), session, "q"));
    attempt("send to a topic", session -> send(session.createProducer(session.createTopic("t")), session, null));
    attempt("send to a new queue", session -> send(session.createProducer(session.createQueue("new")), session, null));
    attempt("browse", session -> {
      boolean found = session.createBrowser(session.createQueue("q")).getEnumeration().hasMoreElements();
      return found ? "found" : "empty";
    });
    attempt("receive from a queue", session -> receive(session.createConsumer(session.createQueue("q"))));
    attempt("subscribe to a topic", session -> subscribed(session.createConsumer(session.createTopic("t"))));
    attempt("subscribe durably", session -> {
      String outcome = subscribed(session.createDurableConsumer(session.createTopic("t"), "s"));
      session.unsubscribe("s");
      return outcome;
    });
    attempt("send and receive in a transaction", true, session -> {
      send(session.createProducer(session.createQueue("q")), session, null);
      session.commit();
      String received = receive(session.createConsumer(session.createQueue("q")));
      session.commit();
      return received;
    });
    attempt("temporary queue", session -> {
      var queue = session.createTemporaryQueue();
      send(session.createProducer(queue), session, null);
      return receive(session.createConsumer(queue));
    });
    connection.close();
    System.exit(0);
  }

  /** The class of Jakarta Messaging: Qpid JMS has subclasses of its own. */
  private static String nameOf(Exception error) {
    Class<?> type = error.getClass();
    while (!type.getName().startsWith("jakarta.jms.") && type.getSuperclass() != null) type = type.getSuperclass();
    return type.getName().startsWith("jakarta.jms.") ? type.getSimpleName() : error.toString();
  }

  private static String send(MessageProducer producer, Session session, String queue) throws JMSException {
    Message message = session.createTextMessage("hello");
    if (queue == null) producer.send(message);
    else producer.send(session.createQueue(queue), message);
    producer.close();
    return "sent";
  }

  private static String receive(MessageConsumer consumer) throws JMSException {
    Message message = consumer.receive(5000);
    consumer.close();
    return message instanceof TextMessage text ? text.getText() : "nothing";
  }

  private static String subscribed(MessageConsumer consumer) throws JMSException {
    consumer.close();
    return "subscribed";
  }

  private static void attempt(String name, Use use) throws JMSException {
    attempt(name, false, use);
  }

  private static void attempt(String name, boolean isTransacted, Use use) throws JMSException {
    Session session = connection.createSession(isTransacted, isTransacted ? Session.SESSION_TRANSACTED : Session.AUTO_ACKNOWLEDGE);
    try {
      System.out.println(name + ": ok, " + use.run(session));
    } catch (Exception error) {
      System.out.println(name + ": " + nameOf(error));
    }
    try {
      session.close();
    } catch (JMSException error) {
      System.out.println(name + ", close: " + nameOf(error));
    }
  }
}
