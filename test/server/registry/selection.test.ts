import { describe, expect, it } from 'vitest';
import { DefinitionSet } from '../../../api/definition-set.ts';
import type { ResourceDefinition } from '../../../api/definition.ts';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { newSelectable, Selection } from '../../../server/registry/selection.ts';

const definitions = new DefinitionSet(builtInDefinitions());

function definition(group: string, plural: string): ResourceDefinition {
  const found = definitions.findResource(group, plural);
  if (found === undefined) throw new Error(`no definition of ${plural}.${group}`);
  return found;
}

describe('field selectors of kinds', () => {
  const pod = {
    metadata: { name: 'p', namespace: 'n' },
    spec: { nodeName: 'node', hostNetwork: true },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] },
  } as unknown as UnknownObject;
  const coreEvent = {
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod', name: 'p' },
    source: { component: 'kubelet' },
    reportingComponent: '',
  } as unknown as UnknownObject;
  const newEvent = {
    metadata: { name: 'e' },
    regarding: { kind: 'Pod', name: 'p' },
    reportingController: 'x',
  } as unknown as UnknownObject;
  const cases: [string, string, string, UnknownObject, string][] = [
    ['', 'pods', 'metadata.name', pod, 'p'],
    ['', 'pods', 'metadata.namespace', pod, 'n'],
    ['', 'pods', 'spec.nodeName', pod, 'node'],
    ['', 'pods', 'spec.host', pod, 'node'],
    ['', 'pods', 'spec.hostNetwork', pod, 'true'],
    ['', 'pods', 'spec.schedulerName', pod, ''],
    ['', 'pods', 'status.podIP', pod, '10.0.0.1'],
    ['', 'nodes', 'spec.unschedulable', { metadata: {} }, 'false'],
    ['', 'replicationcontrollers', 'status.replicas', { metadata: {} }, '0'],
    ['', 'secrets', 'type', { metadata: {}, type: 'Opaque' }, 'Opaque'],
    ['', 'events', 'involvedObject.name', coreEvent, 'p'],
    ['', 'events', 'source', coreEvent, 'kubelet'],
    ['', 'events', 'involvedObject.kind', newEvent, 'Pod'],
    ['events.k8s.io', 'events', 'regarding.kind', newEvent, 'Pod'],
    ['events.k8s.io', 'events', 'reportingController', newEvent, 'x'],
    ['batch', 'jobs', 'status.successful', { metadata: {}, status: { succeeded: 2 } }, '2'],
  ];
  for (const [group, plural, field, object, want] of cases) {
    it(`${plural} ${field} is ${JSON.stringify(want)}`, () => {
      const kind = definition(group, plural);
      expect(newSelectable(kind, object).fields[field]).toBe(want);
      expect(() => new Selection(kind, undefined, `${field}=x`)).not.toThrow();
    });
  }

  const unsupported: [string, string, string, string][] = [
    ['', 'pods', 'spec.x', 'field label not supported: spec.x'],
    ['', 'pods', 'constructor', 'field label not supported: constructor'],
    [
      '',
      'configmaps',
      'data',
      '"data" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    ['batch', 'jobs', 'x', 'field label "x" not supported for Job'],
  ];
  for (const [group, plural, field, message] of unsupported) {
    it(`${plural} ${field}: ${message}`, () => {
      const select = () => new Selection(definition(group, plural), undefined, `${field}=x`);
      expect(select).toThrow(expect.objectContaining({ reason: 'BadRequest', message }));
    });
  }

  it('take the namespace of cluster kinds unless their fields are told', () => {
    const byNamespace = (group: string, plural: string) => () =>
      new Selection(definition(group, plural), undefined, 'metadata.namespace=a');
    expect(byNamespace('', 'nodes')).toThrow('field label not supported: metadata.namespace');
    const selection = byNamespace('rbac.authorization.k8s.io', 'clusterroles')();
    const role = newSelectable(definition('rbac.authorization.k8s.io', 'clusterroles'), {
      metadata: {},
    } as UnknownObject);
    expect(selection.matches(role)).toBe(false);
  });
});
