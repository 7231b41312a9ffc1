// SPDX-License-Identifier: Apache-2.0
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.util.ReflectionUtils;

/** Prints what Hadoop reads in sequence files: compression and classes of each, then its values, a line each. */
public class SequenceFileReader {
  public static void main(String[] files) throws Exception {
    Configuration configuration = new Configuration();
    for (String file : files) {
      try (var reader = new SequenceFile.Reader(configuration, SequenceFile.Reader.file(new Path("file://" + file)))) {
        var codec = reader.getCompressionCodec();
        System.out.println(
            String.join(
                " ",
                reader.getCompressionType().toString(),
                codec == null ? "-" : codec.getClass().getSimpleName(),
                reader.getKeyClassName(),
                reader.getValueClassName()));
        Writable key = (Writable) ReflectionUtils.newInstance(reader.getKeyClass(), configuration);
        Writable value = (Writable) ReflectionUtils.newInstance(reader.getValueClass(), configuration);
        while (reader.next(key, value)) {
          String text =
              value instanceof BytesWritable bytes
                  ? new String(Arrays.copyOf(bytes.getBytes(), bytes.getLength()), "UTF-8")
                  : value.toString();
          System.out.println(text);
        }
      }
    }
  }
}
