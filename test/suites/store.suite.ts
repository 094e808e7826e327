import { describe } from 'vitest';
import { failureCases } from '../storage/cases/failure.cases.ts';
import { forkCases } from '../storage/cases/fork.cases.ts';
import { lifecycleCases } from '../storage/cases/lifecycle.cases.ts';
import { readCases } from '../storage/cases/read.cases.ts';
import { snapshotCases } from '../storage/cases/snapshot.cases.ts';
import { watchCases } from '../storage/cases/watch.cases.ts';
import { writeCases } from '../storage/cases/write.cases.ts';
import type { MediumFactory } from '../storage/fixtures/engines.ts';

/** The Store contract as tests, over engines of one kind. `factory` makes an empty medium for each test. */
export function storeSuite(name: string, factory: MediumFactory): void {
  describe(`the store over the ${name} keeps its contract`, () => {
    describe('writes', () => writeCases(factory));
    describe('reads', () => readCases(factory));
    describe('watches', () => watchCases(factory));
    describe('compaction, reopening, closing', () => lifecycleCases(factory));
    describe('snapshots', () => snapshotCases(factory));
    describe('forks', () => forkCases(factory));
    describe('failing engine', () => failureCases(factory));
  });
}
