// SPDX-License-Identifier: Apache-2.0
import jakarta.jms.Connection;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import org.apache.qpid.jms.JmsConnectionFactory;

/**
 * {@code die MODE}: sends five messages, receives two of them in a session of the mode, and halts
 * while the client has prefetched the others. {@code read}: prints each message with its delivery
 * count and whether it is redelivered.
 */
public class PrefetchDeath {
  public static void main(String[] args) throws Exception {
    Connection connection = new JmsConnectionFactory(args[0]).createConnection();
    connection.start();
    if (args[2].equals("read")) read(connection, args[1]);
    else die(connection, args[1], args[3]);
  }

  private static void die(Connection connection, String name, String mode) throws Exception {
    Session sender = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    Queue queue = sender.createQueue(name);
    MessageProducer producer = sender.createProducer(queue);
    for (int i = 0; i < 5; i++) producer.send(sender.createTextMessage("m" + i));
    boolean isTransacted = mode.equals("transacted");
    int acknowledge = mode.equals("client") ? Session.CLIENT_ACKNOWLEDGE : Session.AUTO_ACKNOWLEDGE;
    Session session =
        isTransacted
            ? connection.createSession(true, Session.SESSION_TRANSACTED)
            : connection.createSession(false, acknowledge);
    MessageConsumer consumer = session.createConsumer(queue);
    for (int i = 0; i < 2; i++) consumer.receive(5000);
    // What is prefetched and acknowledged has time to arrive.
    Thread.sleep(500);
    if (mode.equals("close")) connection.close();
    Runtime.getRuntime().halt(0);
  }

  private static void read(Connection connection, String name) throws Exception {
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    MessageConsumer consumer = session.createConsumer(session.createQueue(name));
    for (Message message; (message = consumer.receive(2000)) != null; ) {
      System.out.println(
          ((TextMessage) message).getText()
              + " "
              + message.getIntProperty("JMSXDeliveryCount")
              + (message.getJMSRedelivered() ? " redelivered" : ""));
    }
    connection.close();
  }
}
