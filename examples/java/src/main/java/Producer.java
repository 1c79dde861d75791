import java.io.File;
import java.util.List;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends rows and labels with Apache Kafka's client and Apicurio's Avro serde.
 *
 * <p>Arguments: HOST:PORT REGISTRY SCHEMAS DEVICE ROWS, then serde settings as name=value.
 */
public class Producer {
    public static void main(String[] words) throws Exception {
        String registry = words[1];
        String device = words[3];
        int rows = Integer.parseInt(words[4]);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", words[0]);
        settings.put("key.serializer", StringSerializer.class.getName());
        settings.put("value.serializer", "io.apicurio.registry.serde.avro.AvroKafkaSerializer");
        // The serde speaks Apicurio's own interface; the subject of a topic is the artifact TOPIC-value of the default group.
        settings.put("apicurio.registry.url", registry.replaceAll("/apis/.*", "/apis/registry/v2"));
        settings.put("apicurio.registry.auto-register", "false");
        for (int i = 5; i < words.length; i++) {
            String[] setting = words[i].split("=", 2);
            settings.put(setting[0], setting[1]);
        }
        Schema rowSchema = new Schema.Parser().parse(new File(words[2], "observation/ObservationRow.avsc"));
        Schema labelSchema = new Schema.Parser().parse(new File(words[2], "label/Label.avsc"));
        String key = "default/boiler/" + device;
        long epoch = System.currentTimeMillis() / 1000;
        try (KafkaProducer<String, GenericRecord> producer = new KafkaProducer<>(settings)) {
            for (long seq = 0; seq < rows; seq++) {
                double temperature = 70 + seq;
                // Set fields by name: Avro's Java writers go by position, and a builder fills defaults in.
                GenericRecord row = named(rowSchema, device, epoch, seq).set("features", List.of(temperature, 2.0)).build();
                GenericRecord label = named(labelSchema, device, epoch, seq).set("label", temperature > 85 ? "bad" : "good").build();
                producer.send(new ProducerRecord<>("observations.rows.raw", key, row)).get();
                producer.send(new ProducerRecord<>("labels.raw", key, label)).get();
            }
        }
        System.out.println("sent " + rows + " rows and labels as " + key);
    }

    private static GenericRecordBuilder named(Schema schema, String device, long epoch, long seq) {
        return new GenericRecordBuilder(schema)
                .set("tenant", "default")
                .set("stream", "boiler")
                .set("device_id", device)
                .set("boot_epoch", epoch)
                .set("seq", seq)
                .set("event_time", System.currentTimeMillis());
    }
}
