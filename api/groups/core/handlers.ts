/** Probes, hooks and restart rules of containers. Mirrors validateProbe, validateLifecycle and their neighbours. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkHTTPHeaderName } from '../../machinery/names.ts';
import { forbidden, invalid, notSupported, required, tooMany } from '../../machinery/field-errors.ts';
import type {
  Container,
  ContainerRestartRule,
  HTTPGetAction,
  LifecycleHandler,
  Probe,
} from '../../../openapi/generated/core-v1.ts';
import {
  addEach,
  addNonnegative,
  addPortNumberOrName,
  addRequired,
  addSupported,
  type Findings,
} from '../common/findings.ts';

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

const KINDS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function addHandler(
  errors: Findings,
  at: FieldPath,
  handler: Handler,
  graceSeconds: number | undefined,
): void {
  let count = 0;
  for (const kind of KINDS) {
    if (handler[kind] === undefined) continue;
    const place = at.child(kind);
    if (count > 0) errors.push(forbidden(place, 'may not specify more than 1 handler type'));
    else addAction(errors, place, kind, handler, graceSeconds);
    count = 1;
  }
  if (count === 0) errors.push(required(at, 'must specify a handler type'));
}

function addAction(
  errors: Findings,
  at: FieldPath,
  kind: (typeof KINDS)[number],
  handler: Handler,
  graceSeconds: number | undefined,
): void {
  switch (kind) {
    case 'exec':
      if ((handler.exec!.command ?? []).length === 0) errors.push(required(at.child('command')));
      break;
    case 'httpGet':
      addHTTPGet(errors, at, handler.httpGet!);
      break;
    case 'tcpSocket':
      addPortNumberOrName(errors, at.child('port'), handler.tcpSocket!.port);
      break;
    case 'grpc':
      addPortNumberOrName(errors, at.child('port'), handler.grpc!.port);
      break;
    case 'sleep': {
      const { seconds = 0 } = handler.sleep!;
      if (graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds)) {
        const text = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
        errors.push(invalid(at, seconds, text));
      }
    }
  }
}

function addHTTPGet(errors: Findings, at: FieldPath, action: HTTPGetAction): void {
  addRequired(errors, at, action.path, 'path');
  addPortNumberOrName(errors, at.child('port'), action.port);
  addSupported(errors, at.child('scheme'), action.scheme ?? '', ['HTTP', 'HTTPS']);
  for (const { name = '' } of action.httpHeaders ?? [])
    addEach(errors, at.child('httpHeaders'), name, checkHTTPHeaderName(name));
}

const PROBE_NUMBERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function addProbe(errors: Findings, at: FieldPath, probe: Probe, graceSeconds: number | undefined): void {
  addHandler(errors, at, probe as Handler, graceSeconds);
  for (const member of PROBE_NUMBERS) addNonnegative(errors, at.child(member), probe[member]);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalid(at.child('terminationGracePeriodSeconds'), grace, 'must be greater than 0'));
}

export function addProbes(
  errors: Findings,
  at: FieldPath,
  { livenessProbe, readinessProbe, startupProbe }: Container,
  graceSeconds: number | undefined,
): void {
  const addThreshold = (place: FieldPath, { successThreshold = 0 }: Probe): void => {
    if (successThreshold !== 1)
      errors.push(invalid(place.child('successThreshold'), successThreshold, 'must be 1'));
  };
  if (livenessProbe !== undefined) {
    addProbe(errors, at.child('livenessProbe'), livenessProbe, graceSeconds);
    addThreshold(at.child('livenessProbe'), livenessProbe);
  }
  if (readinessProbe !== undefined) {
    const place = at.child('readinessProbe');
    addProbe(errors, place, readinessProbe, graceSeconds);
    const grace = readinessProbe.terminationGracePeriodSeconds;
    if (grace !== undefined)
      errors.push(
        invalid(place.child('terminationGracePeriodSeconds'), grace, 'must not be set for readinessProbes'),
      );
  }
  if (startupProbe !== undefined) {
    addProbe(errors, at.child('startupProbe'), startupProbe, graceSeconds);
    addThreshold(at.child('startupProbe'), startupProbe);
  }
}

export function addLifecycle(
  errors: Findings,
  at: FieldPath,
  { postStart, preStop }: NonNullable<Container['lifecycle']>,
  graceSeconds: number | undefined,
): void {
  if (postStart !== undefined) addHandler(errors, at.child('postStart'), postStart, graceSeconds);
  if (preStop !== undefined) addHandler(errors, at.child('preStop'), preStop, graceSeconds);
}

const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];
const RULE_ACTIONS = ['Restart', 'RestartAllContainers'];
const RULE_OPERATORS = ['In', 'NotIn'];
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;

/** When a container is started again by rules of its own. Mirrors validateContainerRestartPolicy. */
export function addRestartPolicy(
  errors: Findings,
  at: FieldPath,
  { restartPolicy, restartPolicyRules = [] }: Container,
  isInit: boolean,
): void {
  const place = at.child('restartPolicy');
  if (restartPolicy === undefined) {
    if (restartPolicyRules.length === 0) return;
    errors.push(required(place, 'must specify restartPolicy when restart rules are used'));
    if (isInit) return;
  } else addSupported(errors, place, restartPolicy, RESTART_POLICIES);
  const rules = at.child('restartPolicyRules');
  if (restartPolicyRules.length > RULES_MAX)
    errors.push(tooMany(rules, restartPolicyRules.length, RULES_MAX));
  restartPolicyRules.forEach((rule, index) => addRestartRule(errors, rules.index(index), rule));
}

function addRestartRule(
  errors: Findings,
  at: FieldPath,
  { action = '', exitCodes }: ContainerRestartRule,
): void {
  addSupported(errors, at.child('action'), action, RULE_ACTIONS);
  const place = at.child('exitCodes');
  if (exitCodes === undefined) {
    errors.push(required(place, 'must be specified'));
    return;
  }
  if (!RULE_OPERATORS.includes(exitCodes.operator ?? ''))
    errors.push(notSupported(place.child('operator'), exitCodes.operator ?? '', RULE_OPERATORS));
  const values = exitCodes.values ?? [];
  if (values.length > EXIT_CODES_MAX)
    errors.push(tooMany(place.child('values'), values.length, EXIT_CODES_MAX));
}
