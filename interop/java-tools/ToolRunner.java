// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs command-line tools one after the other in one virtual machine. Reads a JSON array a line, the class of a tool and
 * its arguments, and prints a JSON object a line: exit code, stdout and stderr.
 */
public class ToolRunner {
  /** Completed with the exit code by the tool that runs. */
  private static volatile CompletableFuture<Integer> exit;

  private static void call(String[] words) {
    String[] arguments = new String[words.length - 1];
    System.arraycopy(words, 1, arguments, 0, arguments.length);
    CompletableFuture<Integer> ended = exit;
    try {
      scala.Console.withOut(System.out, () -> {
        try {
          return Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (ReflectiveOperationException error) {
          throw new IllegalStateException(error.getCause() == null ? error : error.getCause());
        }
      });
      ended.complete(0);
    } catch (Throwable error) {
      error.printStackTrace();
      ended.complete(1);
    }
  }

  public static void main(String[] ignored) throws Exception {
    ObjectMapper json = new ObjectMapper();
    PrintStream out = System.out;
    // A tool that exits does not continue: its thread waits for ever.
    Exit.setExitProcedure((code, message) -> {
      exit.complete(code);
      while (true) LockSupport.park();
    });
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = json.readValue(line, String[].class);
      ByteArrayOutputStream stdout = new ByteArrayOutputStream();
      ByteArrayOutputStream stderr = new ByteArrayOutputStream();
      System.setOut(new PrintStream(stdout, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(stderr, true, StandardCharsets.UTF_8));
      Map<String, Object> result = new LinkedHashMap<>();
      exit = new CompletableFuture<>();
      Thread thread = new Thread(() -> call(words));
      thread.setDaemon(true);
      thread.start();
      result.put("code", exit.get());
      result.put("stdout", stdout.toString(StandardCharsets.UTF_8));
      result.put("stderr", stderr.toString(StandardCharsets.UTF_8));
      out.println(json.writeValueAsString(result));
    }
  }
}
