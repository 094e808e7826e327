/** What every verb handler gets. */
import type { DefinitionSet } from '../../../api/definition-set.ts';
import type { ResourceDefinition, SubresourceDefinition, VersionDefinition } from '../../../api/definition.ts';
import type { Clock } from '../../../api/machinery/clock.ts';
import { formatGroupVersion } from '../../../api/machinery/gvk.ts';
import type { Random } from '../../../api/machinery/random.ts';
import type { ObjectTarget, RequestContext, ResourceRegistry, ResourceTarget, ResultObject, Scope } from '../../registry/interface.ts';
import { scaleOf, scaleSchema } from '../../registry/scale.ts';
import type { SubresourceCreators } from '../../registry/subresources.ts';
import { negotiate, type Negotiated } from '../negotiation/accept.ts';
import { applyFieldValidation, bodyMediaType, decodeBody, readBody, type Expected, type FieldValidation } from '../negotiation/request-body.ts';
import { respond, type Payload } from '../negotiation/responses.ts';
import { newTable, parseIncludeObject, partialMetadata, tableOf, tableRow } from '../negotiation/transforms.ts';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { scaleTable } from '../../../api/groups/printing/index.ts';
import type { RequestState } from '../request.ts';

/** Services shared by all requests. */
export interface HandlerServices {
  readonly registry: ResourceRegistry;
  readonly definitions: DefinitionSet;
  readonly creators: SubresourceCreators;
  readonly clock: Clock;
  readonly random: Random;
}

/** One request on one resource. */
export interface Call {
  readonly services: HandlerServices;
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly state: RequestState;
  readonly definition: ResourceDefinition;
  readonly version: VersionDefinition;
  /** Undefined on the main resource. */
  readonly subresource: SubresourceDefinition | undefined;
  readonly context: RequestContext;
  readonly target: ResourceTarget;
  readonly scope: Scope;
  readonly object: ObjectTarget;
}

const PARTIAL = 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata';

/** What the body of a write to this endpoint must be. */
export function expectedBody({ definition, version, subresource, services }: Call): Expected {
  const knows = (apiVersion: string, kind: string): boolean => {
    const [group, name] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    return services.definitions.findByKind(group!, name!, kind) !== undefined;
  };
  if (subresource?.kind !== undefined && subresource.schema !== undefined) {
    return { schema: subresource.schema, ...subresource.kind, knows };
  }
  return { schema: version.schema, group: definition.group, version: version.name, kind: definition.names.kind, knows };
}

/** Reads and decodes the body, applying fieldValidation. */
export async function readObject(call: Call, validation: FieldValidation, expected = expectedBody(call)): Promise<UnknownObject> {
  const mediaType = bodyMediaType(call.request.headers.get('content-type'));
  const { object, unknownFields, duplicates } = decodeBody(await readBody(call.request), mediaType, expected);
  applyFieldValidation(validation, { unknownFields, duplicates }, expected, call.context.warnings);
  return object;
}

/** How a single object is to be shown; 406 before anything is done. */
export function negotiateObject({ request }: Call): Negotiated {
  return negotiate(request.headers.get('accept'), { mediaTypes: ['json', 'yaml', 'protobuf'], transforms: ['Table', 'PartialObjectMetadata'] });
}

export function negotiateList({ request }: Call): Negotiated {
  return negotiate(request.headers.get('accept'), { mediaTypes: ['json', 'yaml', 'protobuf'], transforms: ['Table', 'PartialObjectMetadataList'] });
}

/** Sends an object of the main resource, or the scale made from it. */
export function respondObject(call: Call, code: number, negotiated: Negotiated, result: ResultObject): Promise<Response> {
  const { definition, version, subresource, request, query, services } = call;
  const isScale = subresource?.name === 'scale';
  const object = isScale ? scaleOf(definition, result.object) : result.object;
  if (negotiated.transform === 'Table') {
    const table = isScale ? scaleTable : tableOf(definition);
    const row = tableRow(table, object, parseIncludeObject(query.get('includeObject')), services.clock.now());
    const payload = newTable(table, { resourceVersion: object.metadata.resourceVersion }, [row]);
    return respond(request, code, negotiated.mediaType, { object: payload, apiVersion: 'meta.k8s.io/v1', kind: 'Table' });
  }
  if (negotiated.transform !== undefined) {
    const payload = { object: partialMetadata(object), schema: builtInSchema(PARTIAL), apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' };
    return respond(request, code, negotiated.mediaType, payload);
  }
  const payload: Payload = isScale
    ? { object, schema: scaleSchema(), apiVersion: 'autoscaling/v1', kind: 'Scale' }
    : {
        object,
        bytes: [result.bytes],
        schema: version.schema,
        apiVersion: formatGroupVersion(definition.group, version.name),
        kind: definition.names.kind,
      };
  return respond(request, code, negotiated.mediaType, payload);
}
