import { Parser, fromFile } from "@asyncapi/parser";
import { AvroSchemaParser } from "@asyncapi/avro-schema-parser";

const parser = new Parser({ schemaParsers: [AvroSchemaParser()] });
const { document, diagnostics } = await fromFile(parser, process.argv[2]).parse();
for (const each of diagnostics) console.log(`${each.code} at ${each.path.join("/")}: ${each.message}`);
if (document) console.log(`${document.allChannels().length} channels, ${document.allOperations().length} operations`);
process.exit(document && diagnostics.length === 0 ? 0 : 1);
