import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { templateHash } from '../../../controllers/runtime/hashes.ts';
import type { PodTemplateSpec } from '../../../openapi/generated/core-v1.ts';
import type { HashCase } from '../../golden/hashes/templates.ts';

const FILE = join(import.meta.dirname, '..', '..', 'golden', 'hashes', 'templates.json');
const cases = JSON.parse(readFileSync(FILE, 'utf8')) as HashCase[];

describe('the hash of a pod template is that of Kubernetes', () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', (_name, { template, collisionCount, hash }) => {
    expect(templateHash(template as PodTemplateSpec, collisionCount)).toBe(hash);
  });
});
