// SPDX-License-Identifier: Apache-2.0
import java.io.File;
import java.net.URL;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;
import org.junit.runner.notification.Failure;

/** Runs the whole Joram suite against the provider at `-Damqp.url`; prints a line for each failure and the totals. */
public class JoramSuite {
  public static void main(String[] arguments) throws Exception {
    URL jar = org.objectweb.jtests.jms.admin.Admin.class.getProtectionDomain().getCodeSource().getLocation();
    TreeSet<String> names = new TreeSet<>();
    try (JarFile file = new JarFile(new File(jar.toURI()))) {
      for (Enumeration<JarEntry> entries = file.entries(); entries.hasMoreElements(); ) {
        String name = entries.nextElement().getName();
        if (name.startsWith("org/objectweb/jtests/jms/conform/") && name.endsWith("Test.class")) {
          names.add(name.substring(0, name.length() - 6).replace('/', '.'));
        }
      }
    }
    String only = arguments.length > 0 ? arguments[0] : "";
    List<Class<?>> classes = new ArrayList<>();
    for (String name : names) if (name.contains(only)) classes.add(Class.forName(name));
    Result result = JUnitCore.runClasses(classes.toArray(new Class<?>[0]));
    for (Failure failure : result.getFailures()) {
      String message = String.valueOf(failure.getMessage()).replace('\n', ' ');
      System.out.println("failed: " + failure.getTestHeader() + ": " + message);
      if (Boolean.getBoolean("joram.traces")) System.out.println(failure.getTrimmedTrace());
    }
    System.out.println("tests=" + result.getRunCount() + " failures=" + result.getFailureCount());
    System.exit(0);
  }
}
