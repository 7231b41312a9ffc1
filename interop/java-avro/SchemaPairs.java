// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaParseException;

/**
 * Parses and compares schemas. Each line of input is a JSON object with "reader", "writer" and,
 * optional, "references" (texts that both may use); each line of output has what was found.
 */
public class SchemaPairs {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
    }
    out.flush();
  }

  private static ObjectNode answer(JsonNode question) {
    List<String> references = new ArrayList<>();
    question.path("references").forEach(text -> references.add(text.textValue()));
    ObjectNode answer = JSON.createObjectNode();
    Schema reader = describe(question.get("reader").textValue(), references, answer.putObject("reader"));
    Schema writer = describe(question.get("writer").textValue(), references, answer.putObject("writer"));
    if (reader != null && writer != null) {
      compare(reader, writer, answer.putObject("backward"));
      compare(writer, reader, answer.putObject("forward"));
    }
    return answer;
  }

  private static Schema describe(String text, List<String> references, ObjectNode result) {
    Schema schema;
    try {
      Schema.Parser parser = parser(NameValidator.NO_VALIDATION, false);
      List<Schema> known = new ArrayList<>();
      for (String reference : references) {
        known.add(parser.parse(reference));
      }
      schema = parser.parse(text);
      checkNames(schema, Collections.newSetFromMap(new IdentityHashMap<>()));
      result.put("canonical", schema.toString(known, false));
      result.put("resolved", schema.toString());
    } catch (Exception | StackOverflowError error) {
      result.put("error", String.valueOf(error));
      return null;
    }
    result.put("strictError", strictError(text, references));
    return schema;
  }

  /** As a registry reads what it has stored: namespaces and aliases are not checked. */
  private static Schema.Parser parser(NameValidator names, boolean validatesDefaults) {
    return new Schema.Parser(names).setValidateDefaults(validatesDefaults);
  }

  /** Why the schema is not valid for a registry that checks names and defaults; null if it is. */
  private static String strictError(String text, List<String> references) {
    try {
      Schema.Parser parser = parser(NameValidator.STRICT_VALIDATOR, true);
      for (String reference : references) {
        parser.parse(reference);
      }
      parser.parse(text);
      return null;
    } catch (Exception | StackOverflowError error) {
      return String.valueOf(error.getMessage());
    }
  }

  private static void checkNames(Schema schema, Set<Schema> seen) {
    if (!seen.add(schema)) {
      return;
    }
    switch (schema.getType()) {
      case RECORD:
        checkName(schema.getName());
        for (Schema.Field field : schema.getFields()) {
          checkName(field.name());
          checkNames(field.schema(), seen);
        }
        break;
      case ENUM:
        checkName(schema.getName());
        schema.getEnumSymbols().forEach(SchemaPairs::checkName);
        break;
      case FIXED:
        checkName(schema.getName());
        break;
      case ARRAY:
        checkNames(schema.getElementType(), seen);
        break;
      case MAP:
        checkNames(schema.getValueType(), seen);
        break;
      case UNION:
        schema.getTypes().forEach(branch -> checkNames(branch, seen));
        break;
      default:
    }
  }

  private static void checkName(String name) {
    NameValidator.Result result = NameValidator.UTF_VALIDATOR.validate(name);
    if (!result.isOK()) {
      throw new SchemaParseException(result.getErrors());
    }
  }

  private static void compare(Schema reader, Schema writer, ObjectNode result) {
    try {
      ArrayNode findings = JSON.createArrayNode();
      SchemaCompatibility.checkReaderWriterCompatibility(reader, writer)
          .getResult()
          .getIncompatibilities()
          .forEach(
              found ->
                  findings
                      .addObject()
                      .put("type", found.getType().toString())
                      .put("location", found.getLocation())
                      .put("message", found.getMessage()));
      result.set("findings", findings);
    } catch (Exception | StackOverflowError error) {
      result.put("error", String.valueOf(error.getMessage()));
    }
  }
}
