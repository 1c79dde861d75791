import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Makes a NamedRow of a flat record: a struct, a map, or a line of JSON. Numbers become features, texts become texts.
 *
 * <p>Settings: {@code stream}; {@code tenant} (default); {@code device.field}, the field that names the device;
 * {@code id.field}, the field that tells rows apart.
 */
public class RowByName<R extends ConnectRecord<R>> implements Transformation<R> {
    private static final Schema ROW =
            SchemaBuilder.struct()
                    .name("edgeloop.observation.NamedRow")
                    .field("tenant", Schema.STRING_SCHEMA)
                    .field("stream", Schema.STRING_SCHEMA)
                    .field("device_id", Schema.STRING_SCHEMA)
                    .field("request_id", Schema.STRING_SCHEMA)
                    .field("features", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.FLOAT64_SCHEMA).build())
                    .field("texts", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA).build())
                    .build();
    private static final ObjectMapper JSON = new ObjectMapper();

    private String tenant;
    private String stream;
    private String deviceField;
    private String idField;

    @Override
    public void configure(Map<String, ?> settings) {
        tenant = settings.containsKey("tenant") ? (String) settings.get("tenant") : "default";
        stream = (String) settings.get("stream");
        deviceField = (String) settings.get("device.field");
        idField = (String) settings.get("id.field");
    }

    @Override
    public R apply(R record) {
        Map<String, Object> fields = fieldsOf(record.value());
        Object device = fields.remove(deviceField);
        Object id = fields.remove(idField);
        if (device == null || id == null) {
            throw new DataException("expected the fields " + deviceField + " and " + idField + ", given " + record.value());
        }
        Map<String, Double> features = new HashMap<>();
        Map<String, String> texts = new HashMap<>();
        fields.forEach(
                (name, value) -> {
                    if (value instanceof Number number) {
                        features.put(name, number.doubleValue());
                    } else if (value != null) { // what is missing is left out
                        texts.put(name, value.toString());
                    }
                });
        Struct row =
                new Struct(ROW)
                        .put("tenant", tenant)
                        .put("stream", stream)
                        .put("device_id", device.toString())
                        .put("request_id", id.toString())
                        .put("features", features)
                        .put("texts", texts);
        String key = tenant + "/" + stream + "/" + device;
        return record.newRecord(
                record.topic(), null, Schema.STRING_SCHEMA, key, ROW, row, record.timestamp());
    }

    private static Map<String, Object> fieldsOf(Object value) {
        Map<String, Object> fields = new LinkedHashMap<>();
        if (value instanceof Struct struct) {
            for (Field field : struct.schema().fields()) {
                fields.put(field.name(), struct.get(field));
            }
        } else if (value instanceof Map<?, ?> map) {
            map.forEach((name, one) -> fields.put(String.valueOf(name), one));
        } else {
            try {
                JsonNode node = JSON.readTree(String.valueOf(value));
                node.fields().forEachRemaining(entry -> fields.put(entry.getKey(), plain(entry.getValue())));
            } catch (com.fasterxml.jackson.core.JsonProcessingException error) {
                throw new DataException("expected a JSON object, given " + value, error);
            }
        }
        return fields;
    }

    private static Object plain(JsonNode node) {
        return node.isNumber() ? node.numberValue() : node.isNull() ? null : node.asText();
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef()
                .define("tenant", ConfigDef.Type.STRING, "default", ConfigDef.Importance.LOW, "Owner of the stream.")
                .define("stream", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "Name of the stream.")
                .define("device.field", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "Field that names the device.")
                .define("id.field", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "Field that tells rows apart.");
    }

    @Override
    public void close() {}
}
