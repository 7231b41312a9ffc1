// SPDX-License-Identifier: Apache-2.0
import java.util.HashMap;
import java.util.Map;
import java.util.Scanner;
import org.apache.activemq.artemis.api.core.SimpleString;
import org.apache.activemq.artemis.selector.filter.BooleanExpression;
import org.apache.activemq.artemis.selector.filter.FilterException;
import org.apache.activemq.artemis.selector.filter.Filterable;
import org.apache.activemq.artemis.selector.impl.SelectorParser;

/** Reads selectors, one a line, and prints for each whether it selects a message with a property of each type. */
public class SelectorTable implements Filterable {
  private final Map<String, Object> properties = new HashMap<>();

  private SelectorTable() {
    properties.put("s", "a");
    properties.put("i", 5L);
    properties.put("d", 2.5);
    properties.put("b", true);
  }

  @Override
  public <T> T getBodyAs(Class<T> type) throws FilterException {
    return null;
  }

  @Override
  public Object getProperty(SimpleString name) {
    return properties.get(name.toString());
  }

  @Override
  public Object getLocalConnectionId() {
    return null;
  }

  public static void main(String[] args) {
    SelectorTable message = new SelectorTable();
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) System.out.println(verdict(lines.nextLine(), message));
  }

  private static String verdict(String selector, SelectorTable message) {
    BooleanExpression expression;
    try {
      expression = SelectorParser.parse(selector);
    } catch (Exception | Error error) {
      return "invalid";
    }
    try {
      return String.valueOf(expression.matches(message));
    } catch (FilterException | RuntimeException error) {
      return "false";
    }
  }
}
