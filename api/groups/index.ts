/** Joins the facts about built-in kinds with their schemas, behaviours and tables into definitions. */
import facts from '../../openapi/facts/resources.json' with { type: 'json' };
import type { GroupFacts, ResourceFacts, ResourceVersionFacts } from '../../openapi/facts/schema.ts';
import type {
  GroupBehaviours,
  ResourceBehaviour,
  ResourceDefinition,
  SubresourceDefinition,
  VersionDefinition,
} from '../definition.ts';
import { builtInSchema } from '../machinery/built-in-schemas.ts';
import { formatGroupResource, formatGroupVersion } from '../machinery/gvk.ts';
import { admissionRegistrationBehaviours } from './admissionregistration/index.ts';
import { appsBehaviours } from './apps/index.ts';
import { autoscalingBehaviours } from './autoscaling/index.ts';
import { authorizationBehaviours } from './authorization/index.ts';
import { batchBehaviours } from './batch/index.ts';
import { certificatesBehaviours } from './certificates/index.ts';
import { conversions } from './conversions.ts';
import { coreBehaviours } from './core/index.ts';
import { apiExtensionsBehaviours } from './apiextensions/index.ts';
import { nodeBehaviours } from './node/index.ts';
import { policyBehaviours } from './policy/index.ts';
import { apiRegistrationBehaviours } from './apiregistration/index.ts';
import { flowControlBehaviours } from './flowcontrol/index.ts';
import { kindDeprecation, kindFacts } from './kind-facts.ts';
import { networkingBehaviours } from './networking/index.ts';
import { parts } from './parts.ts';
import { coordinationBehaviours } from './coordination/index.ts';
import { discoveryBehaviours } from './discovery/index.ts';
import { rbacBehaviours } from './rbac/index.ts';
import { resourceBehaviours } from './resource/index.ts';
import { schedulingBehaviours } from './scheduling/index.ts';
import { storageBehaviours } from './storage/index.ts';
import { resetFields } from './reset-fields.ts';
import { tables } from './printing/index.ts';

/** Behaviours by group name; the core group is ''. */
const BEHAVIOURS: Readonly<Record<string, GroupBehaviours>> = {
  '': coreBehaviours,
  'admissionregistration.k8s.io': admissionRegistrationBehaviours,
  'apiextensions.k8s.io': apiExtensionsBehaviours,
  'apiregistration.k8s.io': apiRegistrationBehaviours,
  apps: appsBehaviours,
  autoscaling: autoscalingBehaviours,
  'authorization.k8s.io': authorizationBehaviours,
  batch: batchBehaviours,
  'certificates.k8s.io': certificatesBehaviours,
  'flowcontrol.apiserver.k8s.io': flowControlBehaviours,
  'networking.k8s.io': networkingBehaviours,
  'node.k8s.io': nodeBehaviours,
  policy: policyBehaviours,
  'coordination.k8s.io': coordinationBehaviours,
  'discovery.k8s.io': discoveryBehaviours,
  'rbac.authorization.k8s.io': rbacBehaviours,
  'resource.k8s.io': resourceBehaviours,
  'scheduling.k8s.io': schedulingBehaviours,
  'storage.k8s.io': storageBehaviours,
};

/** Upstream's text of the warning for a version whose lifecycle ends. */
function lifecycleWarning(group: string, kind: string, version: ResourceVersionFacts): string | undefined {
  const { deprecated, removed, replacement } = version;
  if (deprecated === undefined) return undefined;
  const texts = [`${formatGroupVersion(group, version.name)} ${kind} is deprecated in v${deprecated}+`];
  if (removed !== undefined) texts.push(`, unavailable in v${removed}+`);
  if (replacement !== undefined) {
    texts.push(`; use ${formatGroupVersion(replacement.group, replacement.version)} ${replacement.kind}`);
  }
  return texts.join('');
}

function defineVersion(
  group: string,
  resource: ResourceFacts,
  version: ResourceVersionFacts,
): VersionDefinition {
  const warning = kindDeprecation(group, resource.plural) ?? lifecycleWarning(group, resource.kind, version);
  return {
    name: version.name,
    schema: builtInSchema(version.type),
    ...(warning === undefined ? {} : { deprecationWarning: warning }),
  };
}

function defineBuiltInBehaviour(group: string, plural: string): ResourceBehaviour {
  const resource = formatGroupResource({ group, resource: plural });
  const table = tables[resource];
  const behaviours = BEHAVIOURS[group] ?? {};
  return {
    ...kindFacts(group, plural),
    ...(table === undefined ? {} : { table }),
    ...(Object.hasOwn(behaviours, plural) ? behaviours[plural] : {}),
    ...(Object.hasOwn(resetFields, resource) ? { resetFields: resetFields[resource] } : {}),
    ...(Object.hasOwn(parts, resource) ? { parts: parts[resource] } : {}),
    ...(Object.hasOwn(conversions, resource) ? { convert: conversions[resource] } : {}),
  };
}

function defineSubresources(resource: ResourceFacts): SubresourceDefinition[] {
  return (resource.subresources ?? []).map(({ name, verbs, kind, type }) => ({
    name,
    verbs,
    ...(kind === undefined ? {} : { kind }),
    ...(type === undefined ? {} : { schema: builtInSchema(type) }),
  }));
}

/** Undefined when no version is served. */
function defineResource(group: GroupFacts, resource: ResourceFacts): ResourceDefinition | undefined {
  const versions = resource.versions.filter((version) => version.served);
  const storage = resource.versions.find((version) => version.storage);
  if (versions.length === 0 || storage === undefined) return undefined;
  const defined = versions.map((version) => defineVersion(group.name, resource, version));
  return {
    group: group.name,
    names: {
      plural: resource.plural,
      singular: resource.singular,
      kind: resource.kind,
      listKind: resource.listKind,
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
    },
    namespaced: resource.scope === 'Namespaced',
    verbs: resource.verbs,
    versions: defined,
    storageVersion:
      defined.find((version) => version.name === storage.name) ??
      defineVersion(group.name, resource, storage),
    subresources: defineSubresources(resource),
    storedAs: {
      group: resource.storedAs?.group ?? group.name,
      resource: resource.storedAs?.plural ?? resource.plural,
    },
    behaviour: defineBuiltInBehaviour(group.name, resource.plural),
  };
}

let definitions: readonly ResourceDefinition[] | undefined;

/** Every built-in resource with a served version, groups in discovery order, sorted by plural name within. */
export function builtInDefinitions(): readonly ResourceDefinition[] {
  return (definitions ??= facts.groups.flatMap((group) =>
    group.resources.flatMap((resource) => defineResource(group, resource) ?? []),
  ));
}
