/** Every scenario. */
import type { Scenario } from '../scenario.ts';
import { AVAILABILITY } from './availability.ts';
import { CRON_JOBS } from './cronjobs.ts';
import { DAEMON_SETS } from './daemon-sets.ts';
import { DEPLOYMENTS } from './deployments.ts';
import { DEVICES } from './devices.ts';
import { JOBS } from './jobs.ts';
import { NAMESPACES } from './namespaces.ts';
import { NODES } from './nodes.ts';
import { OWNERSHIP } from './ownership.ts';
import { PLACING } from './placing.ts';
import { PREEMPTION } from './preemption.ts';
import { QUOTAS } from './quotas.ts';
import { PROFILES } from './profiles.ts';
import { REPLICA_SETS } from './replica-sets.ts';
import { SCHEDULING } from './scheduling.ts';
import { SERVICES } from './services.ts';
import { STATEFUL_SETS } from './stateful-sets.ts';
import { STORAGE } from './storage.ts';
import { VOLUMES_LIFE } from './volumes-life.ts';

export const SCENARIOS: readonly Scenario[] = [
  // Those that wait longest come first.
  ...NODES,
  ...CRON_JOBS,
  ...AVAILABILITY,
  ...QUOTAS,
  ...JOBS,
  ...DEPLOYMENTS,
  ...REPLICA_SETS,
  ...STATEFUL_SETS,
  ...DAEMON_SETS,
  ...STORAGE,
  ...VOLUMES_LIFE,
  ...SCHEDULING,
  ...NAMESPACES,
  ...PLACING,
  ...PREEMPTION,
  ...PROFILES,
  ...DEVICES,
  ...OWNERSHIP,
  ...SERVICES,
];
