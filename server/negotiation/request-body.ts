/** Bodies of requests, as bytes and as media types. */
import {
  newBadRequest,
  newRequestEntityTooLarge,
  newUnsupportedMediaType,
} from '../../api/machinery/errors.ts';
import { JSON_TYPE, PROTOBUF_TYPE, YAML_TYPE, type BodyType } from './accept.ts';

/** Largest body that is read, as upstream. */
const BODY_SIZE_BYTES_MAX = 3 * 1024 * 1024;

/** The whole body. Throws 413 as soon as it is known to pass the limit. */
export async function readBody(request: Request): Promise<Buffer> {
  const tooLarge = (): Error => newRequestEntityTooLarge(`limit is ${BODY_SIZE_BYTES_MAX}`);
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > BODY_SIZE_BYTES_MAX) throw tooLarge();
  try {
    // The server below holds a client to the length it declared, so this reads no more.
    if (declared !== null) return Buffer.from(await request.arrayBuffer());
    if (request.body === null) return Buffer.alloc(0);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of request.body) {
      size += chunk.length;
      if (size > BODY_SIZE_BYTES_MAX) break;
      chunks.push(chunk);
    }
    if (size <= BODY_SIZE_BYTES_MAX) return Buffer.concat(chunks);
  } catch (cause) {
    throw newBadRequest(`the body of the request could not be read: ${(cause as Error).message}`);
  }
  throw tooLarge();
}

/** A media type without its parameters, in lower case. */
export function mediaTypeOf(contentType: string | null): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** Media type of a body; JSON when nothing is said. Throws 415 naming what is read. */
export function bodyTypeOf(
  request: Request,
  accepted: readonly BodyType[] = [JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE],
): BodyType {
  const type = mediaTypeOf(request.headers.get('content-type'));
  if (type === '') return JSON_TYPE;
  const found = accepted.find((candidate) => candidate === type);
  if (found === undefined) throw newUnsupportedMediaType(accepted);
  return found;
}
