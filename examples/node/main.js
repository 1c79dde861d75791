// Sends rows and labels with kafkajs and its schema registry client:
//   node main.js HOST:PORT REGISTRY boiler-node 20
// `node main.js HOST:PORT REGISTRY read TOPIC` prints the first record of a topic instead.
const fs = require('fs')
const path = require('path')
const { Kafka, Partitioners, logLevel } = require('kafkajs')
const { SchemaRegistry } = require('@kafkajs/confluent-schema-registry')

const [bootstrap, host, device = 'boiler-node', rows = '20'] = process.argv.slice(2)
const schemas = process.env.SCHEMAS || path.join(__dirname, '..', '..', 'schemas')
const kafka = new Kafka({ clientId: device, brokers: [bootstrap], logLevel: logLevel.ERROR })
const registry = new SchemaRegistry({ host })

// The id of a schema file in a topic's subject. Nothing is registered.
async function idOf(topic, ...file) {
  const schema = fs.readFileSync(path.join(schemas, ...file), 'utf8')
  return registry.getRegistryIdBySchema(`${topic}-value`, { type: 'AVRO', schema })
}

async function send() {
  const row = await idOf('observations.rows.raw', 'observation', 'ObservationRow.avsc')
  const label = await idOf('labels.raw', 'label', 'Label.avsc')
  // DefaultPartitioner places keys as Java's client does; LegacyPartitioner does not.
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const key = `default/boiler/${device}`
  const boot_epoch = Math.floor(Date.now() / 1000)
  const [observed, found] = [[], []]
  for (let seq = 0; seq < Number(rows); seq++) {
    const temperature = 70 + seq
    const event_time = Date.now()
    const name = { tenant: 'default', stream: 'boiler', device_id: device, boot_epoch, seq }
    observed.push({ key, value: await registry.encode(row, { ...name, features: [temperature, 2], event_time }) })
    found.push({ key, value: await registry.encode(label, { ...name, label: temperature > 85 ? 'bad' : 'good', event_time }) })
  }
  await producer.send({ topic: 'observations.rows.raw', messages: observed })
  await producer.send({ topic: 'labels.raw', messages: found })
  await producer.disconnect()
  console.log(`sent ${rows} rows and labels as ${key}`)
}

async function read(topic) {
  const consumer = kafka.consumer({ groupId: `example-${Date.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`nothing read from ${topic} in 30 s`)), 30000).unref()
    consumer.on(consumer.events.CRASH, (event) => reject(event.payload.error))
    consumer.run({
      eachMessage: async ({ message }) => {
        if (message.value) resolve(console.log('read', topic, Object.keys(await registry.decode(message.value)).join(' ')))
      },
    })
  })
  await consumer.disconnect()
}

const work = device === 'read' ? read(rows) : send()
work.then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
