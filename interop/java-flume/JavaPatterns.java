// SPDX-License-Identifier: Apache-2.0
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Answers lines of JSON, a pattern and texts, with what java.util.regex finds in each. */
public class JavaPatterns {
  public static void main(String[] args) throws Exception {
    Gson gson = new GsonBuilder().serializeNulls().create();
    var in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    var out = new PrintWriter(new OutputStreamWriter(System.out, "UTF-8"));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Map<?, ?> question = gson.fromJson(line, Map.class);
      out.println(gson.toJson(answer((String) question.get("pattern"), (List<?>) question.get("texts"))));
    }
    out.flush();
  }

  private static Map<String, Object> answer(String text, List<?> texts) {
    Map<String, Object> answer = new TreeMap<>();
    try {
      Pattern pattern = Pattern.compile(text);
      List<Object> results = new ArrayList<>();
      for (Object each : texts) {
        results.add(resultOf(pattern, (String) each));
      }
      answer.put("results", results);
    } catch (PatternSyntaxException failure) {
      answer.put("error", failure.getDescription());
    } catch (RuntimeException | StackOverflowError failure) {
      answer.put("failure", failure.toString());
    }
    return answer;
  }

  private static Map<String, Object> resultOf(Pattern pattern, String text) {
    Map<String, Object> result = new TreeMap<>();
    Matcher matcher = pattern.matcher(text);
    result.put("matches", matcher.matches());
    matcher.reset();
    List<String> groups = null;
    if (matcher.find()) {
      groups = new ArrayList<>();
      for (int i = 0; i <= matcher.groupCount(); i++) {
        groups.add(matcher.group(i));
      }
    }
    result.put("find", groups);
    result.put("replaced", pattern.matcher(text).replaceAll("<$0>"));
    result.put("split", Arrays.asList(pattern.split(text)));
    return result;
  }
}
