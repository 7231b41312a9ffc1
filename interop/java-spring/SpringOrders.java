// SPDX-License-Identifier: Apache-2.0
package millrace.orders;

import jakarta.jms.ConnectionFactory;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.jms.annotation.EnableJms;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.config.DefaultJmsListenerContainerFactory;
import org.springframework.jms.connection.JmsTransactionManager;
import org.springframework.jms.core.JmsTemplate;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.messaging.handler.annotation.SendTo;
import org.springframework.transaction.support.TransactionTemplate;

/** A Spring Boot application over JMS; prints what it saw, the same with every provider. Arguments: URL, a name for its queues. */
@SpringBootApplication
@EnableJms
public class SpringOrders {
  private static final List<String> SEEN = new CopyOnWriteArrayList<>();
  private static final AtomicInteger FAILURES = new AtomicInteger();

  @Bean
  public static DefaultJmsListenerContainerFactory transacted(ConnectionFactory connectionFactory) {
    DefaultJmsListenerContainerFactory factory = new DefaultJmsListenerContainerFactory();
    factory.setConnectionFactory(connectionFactory);
    factory.setSessionTransacted(true);
    factory.setConcurrency("2");
    return factory;
  }

  @JmsListener(destination = "${run}.orders", containerFactory = "transacted")
  @SendTo("${run}.confirmed")
  public String order(String body, @Header("customer") String customer) {
    return body + " for " + customer;
  }

  @JmsListener(destination = "${run}.fragile", containerFactory = "transacted")
  public void fragile(String body, @Header("JMSXDeliveryCount") int count) {
    if (count < 3) {
      FAILURES.incrementAndGet();
      throw new IllegalStateException("not yet");
    }
    SEEN.add("fragile " + body + " at delivery " + count);
  }

  @JmsListener(destination = "${run}.selected", selector = "kind = 'wanted'")
  public void selected(String body) {
    SEEN.add("selected " + body);
  }

  public static void main(String[] arguments) throws Exception {
    System.setProperty("amqphub.amqp10jms.remote-url", arguments[0]);
    System.setProperty("run", arguments[1]);
    System.setProperty("spring.main.banner-mode", "off");
    System.setProperty("logging.level.root", "OFF");
    ConfigurableApplicationContext context = SpringApplication.run(SpringOrders.class);
    String run = arguments[1];
    JmsTemplate template = context.getBean(JmsTemplate.class);
    template.setReceiveTimeout(10_000);
    for (int i = 0; i < 5; i++) {
      int number = i;
      template.convertAndSend(run + ".orders", "order " + i, message -> {
        message.setStringProperty("customer", "c" + number);
        return message;
      });
    }
    List<String> confirmed = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 5; i++) confirmed.add(String.valueOf(template.receiveAndConvert(run + ".confirmed")));
    confirmed.sort(null);
    System.out.println("confirmed: " + confirmed);

    template.convertAndSend(run + ".fragile", "thing");
    for (String kind : new String[] {"other", "wanted"}) {
      template.convertAndSend(run + ".selected", "of kind " + kind, message -> {
        message.setStringProperty("kind", kind);
        return message;
      });
    }
    for (int i = 0; i < 100 && SEEN.size() < 2; i++) Thread.sleep(100);
    SEEN.sort(null);
    System.out.println("seen: " + SEEN + " after " + FAILURES + " failures");

    JmsTemplate transacted = new JmsTemplate(context.getBean(ConnectionFactory.class));
    transacted.setSessionTransacted(true);
    transacted.setReceiveTimeout(1000);
    TransactionTemplate transaction =
        new TransactionTemplate(new JmsTransactionManager(context.getBean(ConnectionFactory.class)));
    for (boolean fails : new boolean[] {true, false}) {
      try {
        transaction.executeWithoutResult(status -> {
          transacted.convertAndSend(run + ".a", fails ? "never" : "once");
          transacted.convertAndSend(run + ".b", fails ? "never" : "once");
          if (fails) throw new IllegalStateException("roll back");
        });
      } catch (IllegalStateException error) {
        System.out.println("rolled back");
      }
    }
    for (String queue : new String[] {"a", "b", "a"}) {
      System.out.println(queue + ": " + transacted.receiveAndConvert(run + "." + queue));
    }
    context.close();
    System.exit(0);
  }
}
