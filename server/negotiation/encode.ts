/** Bytes of single objects in each media type. */
import { stringifyJSON } from '../../api/machinery/json.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { encodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import { encodeProtobuf } from '../../api/machinery/protobuf/encode.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import { JSON_TYPE, YAML_TYPE, type OutputFormat } from './accept.ts';
import { indentJSON } from './pretty.ts';
import { formatYAML } from './yaml.ts';

const NEWLINE = Buffer.from('\n');

/** JSON with the newline Go's encoder puts behind it; indented JSON has none. */
export function finishJSON(compact: Buffer, pretty: boolean): Buffer {
  return pretty ? Buffer.from(indentJSON(compact.toString('utf8'))) : Buffer.concat([compact, NEWLINE]);
}

/** A canonical object with `kind` and `apiVersion`. */
export function encodeDocument(
  schema: StructSchema,
  object: UnknownObject,
  format: OutputFormat,
): Uint8Array {
  switch (format.type) {
    case JSON_TYPE:
      return finishJSON(Buffer.from(stringifyJSON(object)), format.pretty);
    case YAML_TYPE:
      return Buffer.from(formatYAML(object));
    default: {
      const { apiVersion = '', kind = '' } = object;
      return encodeEnvelope({ apiVersion, kind }, encodeProtobuf(schema, object));
    }
  }
}
