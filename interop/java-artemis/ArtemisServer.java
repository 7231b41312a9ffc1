// SPDX-License-Identifier: Apache-2.0
import org.apache.activemq.artemis.api.core.QueueConfiguration;
import org.apache.activemq.artemis.api.core.RoutingType;
import org.apache.activemq.artemis.api.core.SimpleString;
import org.apache.activemq.artemis.core.config.CoreAddressConfiguration;
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.JournalType;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;

/** Apache ActiveMQ Artemis with AMQP on a port: persistent, with the NIO journal. Arguments: port, data directory. */
public class ArtemisServer {
  public static void main(String[] arguments) throws Exception {
    String port = arguments[0];
    String directory = arguments[1];
    ConfigurationImpl configuration = new ConfigurationImpl();
    configuration.setSecurityEnabled(false);
    configuration.setPersistenceEnabled(true);
    configuration.setJournalType(JournalType.NIO);
    configuration.setJournalDirectory(directory + "/journal");
    configuration.setBindingsDirectory(directory + "/bindings");
    configuration.setLargeMessagesDirectory(directory + "/large");
    configuration.setPagingDirectory(directory + "/paging");
    configuration.setMessageExpiryScanPeriod(200);
    configuration.addAcceptorConfiguration(
        "amqp",
        "tcp://127.0.0.1:"
            + port
            + "?protocols=AMQP;saslMechanisms=ANONYMOUS,PLAIN;amqpCredits=1000;amqpLowCredits=300");
    for (String queue : new String[] {"DLQ", "ExpiryQueue"}) {
      configuration.addAddressConfiguration(
          new CoreAddressConfiguration()
              .setName(queue)
              .addRoutingType(RoutingType.ANYCAST)
              .addQueueConfiguration(
                  QueueConfiguration.of(queue).setRoutingType(RoutingType.ANYCAST)));
    }
    AddressSettings settings = new AddressSettings();
    settings.setAutoCreateAddresses(true);
    settings.setAutoCreateQueues(true);
    settings.setAutoDeleteQueues(false);
    settings.setAutoDeleteAddresses(false);
    settings.setDeadLetterAddress(SimpleString.of("DLQ"));
    settings.setExpiryAddress(SimpleString.of("ExpiryQueue"));
    settings.setMaxDeliveryAttempts(10);
    settings.setDefaultAddressRoutingType(RoutingType.ANYCAST);
    settings.setDefaultQueueRoutingType(RoutingType.ANYCAST);
    configuration.addAddressSetting("#", settings);
    EmbeddedActiveMQ server = new EmbeddedActiveMQ();
    server.setConfiguration(configuration);
    server.start();
    System.out.println("server ready amqp=127.0.0.1:" + port);
    Thread.sleep(Long.MAX_VALUE);
  }
}
