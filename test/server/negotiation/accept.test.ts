import { describe, expect, it } from 'vitest';
import { negotiate, PLAIN_OFFER, type Offer } from '../../../server/negotiation/accept.ts';

const POD: Offer = { ...PLAIN_OFFER, table: true, partialMetadata: true };
const CUSTOM: Offer = { ...POD, types: ['application/json', 'application/yaml'] };
const WATCH: Offer = {
  ...POD,
  types: ['application/json', 'application/vnd.kubernetes.protobuf'],
  stream: true,
};
const REVIEW: Offer = { ...POD, table: false };

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const KUBECTL_TABLE =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

describe('negotiate', () => {
  it.each<[string, string | null, Offer, string]>([
    ['nothing', null, POD, 'application/json'],
    ['an empty header', '', POD, 'application/json'],
    ['anything', '*/*', POD, 'application/json'],
    ['any application type', 'application/*', POD, 'application/json'],
    ['YAML', 'application/yaml', POD, 'application/yaml'],
    ['upper case and blanks', ' Application/YAML ; q=1', POD, 'application/yaml'],
    ['protobuf with JSON to fall back on', `${PROTOBUF},application/json`, POD, PROTOBUF],
    ['protobuf of a kind without it', `${PROTOBUF}, */*`, CUSTOM, 'application/json'],
    ['the better quality', `application/json;q=0.5,${PROTOBUF};q=0.8`, POD, PROTOBUF],
    ['the more specific of equals', `*/*,${PROTOBUF}`, POD, PROTOBUF],
    ['what comes first of equals', `application/yaml,${PROTOBUF}`, POD, 'application/yaml'],
    ['an unknown type before a known one', 'text/html,application/json', POD, 'application/json'],
    ['a table', KUBECTL_TABLE, POD, 'application/json Table v1'],
    ['a table of a kind without one', KUBECTL_TABLE, REVIEW, 'application/json'],
    [
      'an old table',
      'application/json;as=Table;v=v1beta1;g=meta.k8s.io',
      POD,
      'application/json Table v1beta1',
    ],
    [
      'a table in protobuf',
      `${PROTOBUF};as=Table;v=v1;g=meta.k8s.io,application/json`,
      POD,
      'application/json',
    ],
    [
      'metadata in protobuf',
      `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`,
      POD,
      `${PROTOBUF} PartialObjectMetadata v1`,
    ],
    ['a stream of a watch', `${PROTOBUF};stream=watch`, WATCH, PROTOBUF],
    ['pretty', 'application/json;pretty=1', POD, 'application/json pretty'],
  ])('%s', (_name, header, offer, expected) => {
    const { type, transform, pretty } = negotiate(header, offer);
    const parts = [type, transform?.kind, transform?.version, pretty ? 'pretty' : undefined];
    expect(parts.filter((part) => part !== undefined).join(' ')).toBe(expected);
  });

  it.each<[string, string, Offer, string]>([
    ['text', 'text/plain', POD, `application/json, application/yaml, ${PROTOBUF}`],
    ['protobuf of a custom kind', PROTOBUF, CUSTOM, 'application/json, application/yaml'],
    [
      'only a table where there is none',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      REVIEW,
      `application/json, application/yaml, ${PROTOBUF}`,
    ],
    [
      'an unknown form',
      'application/json;as=Chair;v=v1;g=meta.k8s.io',
      POD,
      `application/json, application/yaml, ${PROTOBUF}`,
    ],
    [
      'a form of an unknown version',
      'application/json;as=Table;v=v2;g=meta.k8s.io',
      POD,
      `application/json, application/yaml, ${PROTOBUF}`,
    ],
    [
      'a stream where there is none',
      'application/json;stream=watch',
      POD,
      `application/json, application/yaml, ${PROTOBUF}`,
    ],
    ['YAML of a watch', 'application/yaml', WATCH, `application/json;stream=watch, ${PROTOBUF};stream=watch`],
    ['no type at all', ';;;', POD, `application/json, application/yaml, ${PROTOBUF}`],
  ])('406 for %s', (_name, header, offer, accepted) => {
    expect(() => negotiate(header, offer)).toThrow(
      expect.objectContaining({
        code: 406,
        message: `only the following media types are accepted: ${accepted}`,
      }),
    );
  });
});
