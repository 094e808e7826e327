/**
 * The Response class of @hono/node-server, which hands status, headers and body to the socket as they are. It is not
 * exported: the package puts it in the place of the global one. The platform's class costs more than all else of a request.
 */
import { getRequestListener } from '@hono/node-server';

let found: typeof Response | undefined;

/** Takes the class from where the package puts it, and puts the globals back: they belong to the process we run in. */
export function lightResponseClass(): typeof Response {
  if (found !== undefined) return found;
  const { Request: originalRequest, Response: originalResponse } = globalThis;
  try {
    getRequestListener(() => new originalResponse(), { overrideGlobalObjects: true });
    found = globalThis.Response;
  } finally {
    Object.defineProperty(globalThis, 'Request', { value: originalRequest });
    Object.defineProperty(globalThis, 'Response', { value: originalResponse });
  }
  return found;
}
