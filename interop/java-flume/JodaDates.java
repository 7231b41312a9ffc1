// SPDX-License-Identifier: Apache-2.0
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.joda.time.DateTimeZone;
import org.joda.time.format.DateTimeFormat;
import org.joda.time.format.DateTimeFormatter;

/**
 * Answers lines of JSON, a pattern of Joda-Time, times and texts: how it prints the times, and the milliseconds that it reads in the
 * texts and in what it printed.
 */
public class JodaDates {
  public static void main(String[] args) throws Exception {
    DateTimeZone.setDefault(DateTimeZone.forID(args[0]));
    Gson gson = new GsonBuilder().serializeNulls().create();
    var in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    var out = new PrintWriter(new OutputStreamWriter(System.out, "UTF-8"));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Map<?, ?> question = gson.fromJson(line, Map.class);
      out.println(gson.toJson(answer(question)));
    }
    out.flush();
  }

  private static Map<String, Object> answer(Map<?, ?> question) {
    Map<String, Object> answer = new TreeMap<>();
    DateTimeFormatter formatter;
    try {
      formatter = DateTimeFormat.forPattern((String) question.get("pattern"));
    } catch (IllegalArgumentException failure) {
      answer.put("error", failure.getMessage());
      return answer;
    }
    if (!formatter.isParser()) {
      answer.put("error", "it is only for printing");
      return answer;
    }
    List<String> texts = new ArrayList<>();
    for (Object each : (List<?>) question.get("texts")) {
      texts.add((String) each);
    }
    for (Object each : (List<?>) question.get("times")) {
      try {
        texts.add(formatter.print(((Double) each).longValue()));
      } catch (RuntimeException failure) {
        answer.put("unprintable", failure.toString());
      }
    }
    List<Long> read = new ArrayList<>();
    for (String text : texts) {
      read.add(millisOf(formatter, text));
    }
    answer.put("texts", texts);
    answer.put("read", read);
    return answer;
  }

  private static Long millisOf(DateTimeFormatter formatter, String text) {
    try {
      return formatter.parseDateTime(text).getMillis();
    } catch (IllegalArgumentException | IndexOutOfBoundsException failure) {
      return null;
    }
  }
}
