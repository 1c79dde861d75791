#!/usr/bin/env bash
# Library:  org.apache.avro:avro 1.12.2 (Java)
# Expected: a record goes into the fields of the same names, or the writer reports that record and schema differ: readers resolve by name.
# Seen:     GenericDatumWriter takes a record's values by position. Where its schema orders fields otherwise, and types agree, they are swapped.
# Matters:  a producer that infers its record's schema, or whose schema was registered in another order, sends the setpoint as the temperature.
# We:       set fields by name in our examples, and take rows by name where bridges infer schemas.
# Output:   record: {"setpoint": 20.0, "temperature": 70.0}
#           written with the schema of temperature, setpoint, and read again: {"temperature": 20.0, "setpoint": 70.0}
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
cat > pom.xml <<'X'
<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.avro</groupId><artifactId>avro</artifactId><version>1.12.2</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.13</version></dependency>
</dependencies></project>
X
mvn -q -B -ntp dependency:copy-dependencies -DoutputDirectory=lib
cat > Order.java <<'J'
import java.io.ByteArrayOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

public class Order {
    public static void main(String[] words) throws Exception {
        Schema own = SchemaBuilder.record("Row").fields().requiredDouble("setpoint").requiredDouble("temperature").endRecord();
        Schema topic = SchemaBuilder.record("Row").fields().requiredDouble("temperature").requiredDouble("setpoint").endRecord();
        GenericRecord record = new GenericData.Record(own);
        record.put("temperature", 70.0);
        record.put("setpoint", 20.0);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(topic).write(record, encoder);
        encoder.flush();
        GenericRecord read = new GenericDatumReader<GenericRecord>(topic).read(
                null, DecoderFactory.get().binaryDecoder(out.toByteArray(), null));
        System.out.println("record: " + record);
        System.out.println("written with the schema of temperature, setpoint, and read again: " + read);
        System.exit(read.get("temperature").equals(20.0) && read.get("setpoint").equals(70.0) ? 0 : 1);
    }
}
J
java -cp 'lib/*' Order.java
