/**
 * Admission: plugins that may change a request's object (mutating pass) and then may refuse it (validating pass), each
 * pass in the order of `index.ts`. Reads never come here. Mirrors the order of the API server's plugins.
 */
import type { ResourceDefinition } from '../../api/definition.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { UserInfo } from '../registry/interface.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly definition: ResourceDefinition;
  /** '' for the main resource. */
  readonly subresource: string;
  readonly namespace: string;
  /** '' before a generated name is known. */
  readonly name: string;
  /** In the shape of the storage version. Mutating plugins change it in place. Absent on DELETE. */
  readonly object?: UnknownObject;
  readonly oldObject?: UnknownObject;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Collects texts for Warning headers. */
  readonly warnings: string[];
  /** Called when the object is stored, or is not going to be; the request is answered once they are done. */
  readonly settled: ((isStored: boolean) => void | Promise<void>)[];
}

export interface AdmissionPlugin {
  /** Upstream's name, as --enable-admission-plugins takes it. */
  readonly name: string;
  /** Changes `request.object` in place, or throws a StatusError. */
  admit?(request: AdmissionRequest): void | Promise<void>;
  /** Throws a StatusError to refuse. */
  validate?(request: AdmissionRequest): void | Promise<void>;
}
