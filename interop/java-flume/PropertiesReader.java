// SPDX-License-Identifier: Apache-2.0
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.TreeMap;

/** Reads texts (size, UTF-8 bytes) and answers with what java.util.Properties makes of each: key, value, key, value. */
public class PropertiesReader {
  public static void main(String[] args) throws Exception {
    DataInputStream in = new DataInputStream(System.in);
    DataOutputStream out = new DataOutputStream(System.out);
    while (true) {
      byte[] text;
      try {
        text = new byte[in.readInt()];
      } catch (EOFException end) {
        break;
      }
      in.readFully(text);
      Properties properties = new Properties();
      properties.load(new StringReader(new String(text, StandardCharsets.UTF_8)));
      TreeMap<String, String> sorted = new TreeMap<>();
      properties.forEach((key, value) -> sorted.put((String) key, (String) value));
      out.writeInt(sorted.size() * 2);
      for (var entry : sorted.entrySet()) {
        for (String each : new String[] {entry.getKey(), entry.getValue()}) {
          byte[] bytes = each.getBytes(StandardCharsets.UTF_8);
          out.writeInt(bytes.length);
          out.write(bytes);
        }
      }
    }
    out.flush();
  }
}
