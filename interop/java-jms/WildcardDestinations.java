// SPDX-License-Identifier: Apache-2.0
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Session;
import org.apache.qpid.jms.JmsConnectionFactory;

/** Uses a destination with a wildcard in every way, and prints what each call throws. */
public class WildcardDestinations {
  private interface Call {
    void run(Session session) throws JMSException;
  }

  private static Connection connection;

  public static void main(String[] args) throws Exception {
    connection = new JmsConnectionFactory(args[0]).createConnection();
    connection.setClientID("wild.java");
    connection.start();
    String name = args[1];
    attempt("queue consumer", session -> session.createConsumer(session.createQueue(name)));
    attempt("topic consumer", session -> session.createConsumer(session.createTopic(name)));
    attempt("queue producer", session -> session.createProducer(session.createQueue(name)));
    attempt("topic producer", session -> session.createProducer(session.createTopic(name)));
    attempt(
        "anonymous producer",
        session ->
            session
                .createProducer(null)
                .send(session.createTopic(name), session.createTextMessage("lost")));
    attempt("browser", session -> session.createBrowser(session.createQueue(name)).getEnumeration());
    attempt("durable", s -> s.createDurableConsumer(s.createTopic(name), "mine"));
    attempt("shared", s -> s.createSharedConsumer(s.createTopic(name), "ours"));
    attempt("shared durable", s -> s.createSharedDurableConsumer(s.createTopic(name), "ours"));
    connection.close();
  }

  private static void attempt(String what, Call call) throws Exception {
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    try {
      call.run(session);
      System.out.println(what + ": accepted");
    } catch (JMSException error) {
      boolean isTold = error.getMessage().contains("\"" + "orders.*" + "\"");
      System.out.println(what + ": " + error.getClass().getSimpleName() + (isTold ? "" : " " + error));
    }
    session.close();
  }
}
