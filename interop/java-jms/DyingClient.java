// SPDX-License-Identifier: Apache-2.0
import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TemporaryQueue;
import jakarta.jms.TemporaryTopic;
import jakarta.jms.TextMessage;
import jakarta.jms.Topic;
import org.apache.qpid.jms.JmsConnectionFactory;

/**
 * Opens everything that a JMS client can have, and ends: {@code halt}, {@code kill} (SIGKILL), or {@code close}, which closes the
 * connection with everything still open. Prints a line for each message that it received.
 */
public class DyingClient {
  public static void main(String[] args) throws Exception {
    String name = args[1];
    JmsConnectionFactory factory = new JmsConnectionFactory(args[0]);
    Connection connection = factory.createConnection();
    connection.setClientID("dying." + name);
    connection.start();

    Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
    Queue work = session.createQueue("dying.work." + name);
    MessageProducer producer = session.createProducer(null);
    for (int i = 0; i < 20; i++) producer.send(work, session.createTextMessage("work " + i));

    Session owner = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    TemporaryQueue replies = owner.createTemporaryQueue();
    TemporaryTopic ticks = owner.createTemporaryTopic();
    MessageConsumer replied = session.createConsumer(replies);
    MessageConsumer ticked = session.createConsumer(ticks);
    producer.send(replies, session.createTextMessage("reply"));
    producer.send(ticks, session.createTextMessage("tick"));
    System.out.println(((TextMessage) replied.receive(5000)).getText());
    System.out.println(((TextMessage) ticked.receive(5000)).getText());

    Topic topic = session.createTopic("dying.topic." + name);
    session.createConsumer(topic);
    session.createDurableConsumer(topic, "durable");
    session.createSharedDurableConsumer(topic, "shared-durable");
    session.createSharedConsumer(topic, "shared");
    producer.send(topic, session.createTextMessage("news"));

    Session transacted = connection.createSession(true, Session.SESSION_TRANSACTED);
    MessageConsumer worker = transacted.createConsumer(work);
    MessageProducer out = transacted.createProducer(transacted.createQueue("dying.out." + name));
    out.setDeliveryMode(DeliveryMode.PERSISTENT);
    for (int i = 0; i < 2; i++) {
      System.out.println(((TextMessage) worker.receive(5000)).getText());
      out.send(transacted.createTextMessage("committed " + i));
    }
    transacted.commit();
    System.out.println(((TextMessage) worker.receive(5000)).getText());
    out.send(transacted.createTextMessage("never committed"));
    session.createBrowser(work).getEnumeration().hasMoreElements();

    switch (args[2]) {
      case "halt":
        Runtime.getRuntime().halt(0);
        break;
      case "kill":
        new ProcessBuilder("kill", "-9", String.valueOf(ProcessHandle.current().pid())).start();
        Thread.sleep(60_000);
        break;
      default:
        connection.close();
    }
  }
}
