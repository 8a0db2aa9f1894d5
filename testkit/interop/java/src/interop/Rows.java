package interop;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What became of each row of the conformance tables, on each wire. */
public final class Rows {
    private static final List<String> WORST = List.of("n/a", "passed", "failed");

    /** By row and wire; a row that several tests show has failed if one of them has. */
    private final Map<String, Map<String, String>> rows = new TreeMap<>();

    public void add(String row, Wire wire, String result, String why) {
        var key = row + ' ' + wire;
        var before = rows.get(key);
        if (before != null && WORST.indexOf(before.get("result")) >= WORST.indexOf(result)) {
            return;
        }
        var line = new LinkedHashMap<String, String>();
        line.put("row", row);
        line.put("client", "java");
        line.put("transport", wire.transport());
        line.put("protocol", wire.protocol());
        line.put("scheme", "http");
        line.put("result", result);
        if (!why.isEmpty()) {
            line.put("why", why);
        }
        rows.put(key, line);
    }

    /** Prints them, and writes them to a file if one is named. */
    public void write(String file) throws IOException {
        var text = new StringBuilder();
        for (var row : rows.values()) {
            var json = new Gson().newBuilder().disableHtmlEscaping().create().toJson(row);
            System.out.println("@row " + json);
            text.append(json).append('\n');
        }
        if (!file.isEmpty()) {
            Files.writeString(Path.of(file), text, StandardCharsets.UTF_8);
        }
    }
}
