/** Every scenario. */
import type { Scenario } from '../scenario.ts';
import { DEPLOYMENTS } from './deployments.ts';

export const SCENARIOS: readonly Scenario[] = [...DEPLOYMENTS];
