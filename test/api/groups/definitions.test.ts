import { describe, expect, it } from 'vitest';
import { compareVersions, DefinitionSet } from '../../../api/definition-set.ts';
import type { ResourceDefinition } from '../../../api/definition.ts';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import { namedKinds } from '../../../api/groups/kind-facts.ts';
import { tables } from '../../../api/groups/printing/index.ts';
import facts from '../../../openapi/facts/resources.json' with { type: 'json' };

const definitions = new DefinitionSet(builtInDefinitions());

function definition(group: string, plural: string): ResourceDefinition {
  const found = definitions.findResource(group, plural);
  if (found === undefined) throw new Error(`no definition of ${plural}.${group}`);
  return found;
}

describe('built-in definitions', () => {
  it('list groups in discovery order with their versions', () => {
    expect(definitions.groups().map(({ name, versions }) => `${name}/${versions.join(',')}`)).toEqual([
      '/v1',
      'apiregistration.k8s.io/v1',
      'apps/v1',
      'events.k8s.io/v1',
      'authentication.k8s.io/v1',
      'authorization.k8s.io/v1',
      'autoscaling/v2,v1',
      'batch/v1',
      'certificates.k8s.io/v1',
      'networking.k8s.io/v1',
      'policy/v1',
      'rbac.authorization.k8s.io/v1',
      'storage.k8s.io/v1',
      'admissionregistration.k8s.io/v1',
      'apiextensions.k8s.io/v1',
      'scheduling.k8s.io/v1',
      'coordination.k8s.io/v1',
      'node.k8s.io/v1',
      'discovery.k8s.io/v1',
      'resource.k8s.io/v1',
      'flowcontrol.apiserver.k8s.io/v1',
    ]);
  });

  it('leave out what is not served by default', () => {
    expect(definitions.findResource('scheduling.k8s.io', 'workloads')).toBeUndefined();
    expect(definitions.find('networking.k8s.io', 'v1beta1', 'ipaddresses')).toBeUndefined();
  });

  it('carry names, scope, verbs, schemas and subresources', () => {
    const pods = definition('', 'pods');
    expect(pods.names).toEqual({
      plural: 'pods',
      singular: 'pod',
      kind: 'Pod',
      listKind: 'PodList',
      shortNames: ['po'],
      categories: ['all'],
    });
    expect(pods.namespaced).toBe(true);
    expect(pods.verbs).toContain('deletecollection');
    expect(pods.versions.map((version) => version.schema.name)).toEqual(['io.k8s.api.core.v1.Pod']);
    expect(pods.storageVersion).toBe(pods.versions[0]);
    expect(pods.subresources.find((item) => item.name === 'eviction')).toMatchObject({
      kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      schema: { name: 'io.k8s.api.policy.v1.Eviction' },
    });
  });

  it('say who stores events', () => {
    expect(definition('events.k8s.io', 'events').storedAs).toEqual({ group: '', resource: 'events' });
    expect(definition('', 'events').storedAs).toEqual({ group: '', resource: 'events' });
  });

  it('warn of deprecated kinds', () => {
    expect(definition('', 'endpoints').versions[0]?.deprecationWarning).toBe(
      'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
    );
    expect(definition('', 'componentstatuses').versions[0]?.deprecationWarning).toBe(
      'v1 ComponentStatus is deprecated in v1.19+',
    );
    const warned = definitions
      .all()
      .filter((item) => item.versions.some((version) => version.deprecationWarning));
    expect(warned.map((item) => item.names.plural)).toEqual(['componentstatuses', 'endpoints']);
  });

  it('know the plain facts of kinds', () => {
    expect(definition('coordination.k8s.io', 'leases').behaviour).toMatchObject({
      allowCreateOnUpdate: true,
      allowUnconditionalUpdate: false,
    });
    expect(definition('', 'namespaces').behaviour).toMatchObject({
      nameRule: 'dns-label',
      deleteReturnsObject: true,
    });
    expect(definition('batch', 'jobs').behaviour).toMatchObject({
      countsGeneration: true,
      defaultPropagation: 'Orphan',
    });
    expect(definition('', 'configmaps').behaviour.allowUnconditionalUpdate).toBeUndefined();
    expect(definition('', 'nodes').behaviour.deleteReturnsObject).toBeUndefined();
  });

  it('name only kinds that exist, in facts and tables', () => {
    const known = new Set(
      facts.groups.flatMap((group) =>
        group.resources.map(({ plural }) => (group.name === '' ? plural : `${plural}.${group.name}`)),
      ),
    );
    expect([...namedKinds, ...Object.keys(tables)].filter((name) => !known.has(name))).toEqual([]);
  });

  it('have a table wherever upstream has one', () => {
    const without = definitions
      .all()
      .filter((item) => item.verbs.includes('list') && item.behaviour.table === undefined)
      .map((item) => item.names.plural);
    expect(without).toEqual(['limitranges', 'clusterroles', 'roles', 'customresourcedefinitions']);
  });
});

describe('definition set', () => {
  const custom = (group: string, plural: string, ...versions: string[]): ResourceDefinition => {
    const base = definition('', 'configmaps');
    return {
      ...base,
      group,
      names: { ...base.names, plural, kind: plural.toUpperCase() },
      versions: versions.map((name) => ({ ...base.storageVersion, name })),
    };
  };

  it('orders versions by stability, then number', () => {
    const sorted = ['v1alpha1', 'foo', 'v2', 'v1beta2', 'v10', 'v1', 'v2beta1', 'v1beta1', 'bar'].sort(
      compareVersions,
    );
    expect(sorted).toEqual(['v10', 'v2', 'v1', 'v2beta1', 'v1beta2', 'v1beta1', 'v1alpha1', 'bar', 'foo']);
  });

  it('finds by plural name and kind, in served versions only', () => {
    expect(definitions.find('autoscaling', 'v1', 'horizontalpodautoscalers')?.names.kind).toBe(
      'HorizontalPodAutoscaler',
    );
    expect(definitions.find('autoscaling', 'v3', 'horizontalpodautoscalers')).toBeUndefined();
    expect(definitions.findByKind('apps', 'v1', 'Deployment')?.names.plural).toBe('deployments');
    expect(definitions.findKind({ group: 'apps', version: 'v1', kind: 'Pod' })).toBeUndefined();
  });

  it('puts later groups behind the built-in ones, by name, and tells of changes', () => {
    const set = new DefinitionSet(builtInDefinitions());
    const before = set.groups().length;
    let changes = 0;
    const stop = set.onChange(() => changes++);
    set.add(custom('test.com', 'as', 'v1'));
    set.add(custom('bar.com', 'bs', 'v1beta1', 'v1'));
    set.add(custom('bar.com', 'as', 'v1'));
    const added = set.groups().slice(before);
    expect(added.map((group) => group.name)).toEqual(['bar.com', 'test.com']);
    expect(added[0]?.versions).toEqual(['v1', 'v1beta1']);
    expect(added[0]?.definitions.map((item) => item.names.plural)).toEqual(['as', 'bs']);
    set.add(custom('bar.com', 'bs', 'v2'));
    expect(set.find('bar.com', 'v1', 'bs')).toBeUndefined();
    expect(set.find('bar.com', 'v2', 'bs')).toBeDefined();
    expect(set.remove('test.com', 'as')).toBe(true);
    expect(set.remove('test.com', 'as')).toBe(false);
    expect(set.groups().map((group) => group.name)).not.toContain('test.com');
    expect(changes).toBe(5);
    stop();
    set.remove('bar.com', 'as');
    expect(changes).toBe(5);
  });
});
