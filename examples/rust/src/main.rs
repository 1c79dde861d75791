//! Sends rows and labels with rdkafka and apache-avro:
//!
//! ```sh
//! cargo run --release -- HOST:PORT REGISTRY boiler-rust 20
//! ```

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use apache_avro::types::{Record, Value};
use apache_avro::{to_avro_datum, Schema};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer, DefaultProducerContext};

/// A schema with the five bytes that stand before its bodies.
struct Kind {
    schema: Schema,
    frame: Vec<u8>,
}

impl Kind {
    /// Read a schema file and ask the registry for its id in the topic's subject. Nothing is registered.
    fn look(registry: &str, topic: &str, file: &str) -> Result<Kind, Box<dyn Error>> {
        let folder = env::var("SCHEMAS").unwrap_or_else(|_| "../../schemas".into());
        let text = fs::read_to_string(format!("{folder}/{file}"))?;
        let found: serde_json::Value = ureq::post(&format!("{registry}/subjects/{topic}-value"))
            .send_json(serde_json::json!({ "schema": text }))?
            .into_json()?;
        let id = found["id"].as_u64().ok_or("the registry gave no id")? as u32;
        let frame = [&[0u8][..], &id.to_be_bytes()].concat();
        Ok(Kind { schema: Schema::parse_str(&text)?, frame })
    }

    /// Frame and body of a record whose other fields are given by the schema's defaults.
    fn encode(&self, fields: Vec<(&str, Value)>) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut record = Record::new(&self.schema).ok_or("no record schema")?;
        for (name, value) in fields {
            record.put(name, value);
        }
        Ok([self.frame.clone(), to_avro_datum(&self.schema, record)?].concat())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().collect();
    let [_, bootstrap, registry, device, rows] = words.as_slice() else {
        return Err("expected: HOST:PORT REGISTRY DEVICE ROWS".into());
    };
    let row = Kind::look(registry, "observations.rows.raw", "observation/ObservationRow.avsc")?;
    let label = Kind::look(registry, "labels.raw", "label/Label.avsc")?;
    // murmur2_random places keys as Java's client does; librdkafka's default does not.
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .create()?;
    let key = format!("default/boiler/{device}");
    let epoch = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64;
    for seq in 0..rows.parse::<i64>()? {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
        let temperature = 70.0 + seq as f64;
        let name = || {
            vec![
                ("tenant", Value::from("default")),
                ("stream", Value::from("boiler")),
                ("device_id", Value::from(device.as_str())),
                ("boot_epoch", Value::Long(epoch)),
                ("seq", Value::Long(seq)),
                ("request_id", Value::from("")),
                ("event_time", Value::Long(now)),
            ]
        };
        let mut observed = name();
        observed.push(("features", Value::Array(vec![Value::Double(temperature), Value::Double(2.0)])));
        observed.push(("model_version", Value::Int(0)));
        observed.push(("answer", Value::from("")));
        let mut found = name();
        found.push(("label", Value::from(if temperature > 85.0 { "bad" } else { "good" })));
        for (topic, value) in [("observations.rows.raw", row.encode(observed)?), ("labels.raw", label.encode(found)?)] {
            producer.send(BaseRecord::to(topic).key(&key).payload(&value)).map_err(|(error, _)| error)?;
        }
    }
    producer.flush(Duration::from_secs(30))?;
    println!("sent {rows} rows and labels as {key}");
    Ok(())
}
