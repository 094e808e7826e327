/** What is wrong with a pod spec, in the order and words of pkg/apis/core/validation. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import {
  checkDNS1123Label,
  checkEnvVarName,
  checkPortName,
  checkPortNumber,
  checkDNS1123Subdomain,
} from '../../machinery/names.ts';
import { compareQuantity, parseQuantity } from '../../machinery/quantity.ts';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notFound,
  notSupported,
  required,
  validateNonnegative,
} from '../../machinery/validation.ts';
import type {
  Container,
  ContainerPort,
  EnvVar,
  PodSpec,
  Probe,
  ResourceRequirements,
  Volume,
} from '../../../openapi/generated/core-v1.ts';

const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];
const DNS_POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const TERMINATION_POLICIES = ['FallbackToLogsOnError', 'File'];

/** Errors of a whole pod spec at `at`. */
export function validatePodSpec(spec: PodSpec, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = validateVolumes(spec.volumes ?? [], at.child('volumes'), errors);
  validateContainers(spec, at, volumes, errors);
  if (!RESTART_POLICIES.includes(spec.restartPolicy ?? '')) {
    errors.push(
      (spec.restartPolicy ?? '') === ''
        ? required(at.child('restartPolicy'))
        : notSupported(at.child('restartPolicy'), spec.restartPolicy, RESTART_POLICIES),
    );
  }
  if (!DNS_POLICIES.includes(spec.dnsPolicy ?? '')) {
    errors.push(
      (spec.dnsPolicy ?? '') === ''
        ? required(at.child('dnsPolicy'))
        : notSupported(at.child('dnsPolicy'), spec.dnsPolicy, DNS_POLICIES),
    );
  }
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    errors.push(
      ...invalidEach(
        at.child('nodeSelector'),
        value,
        value.length > 63 ? ['must be no more than 63 characters'] : [],
      ),
      ...(key === '' ? [invalid(at.child('nodeSelector'), key, 'name part must be non-empty')] : []),
    );
  }
  if ((spec.serviceAccountName ?? '') !== '') {
    errors.push(
      ...invalidEach(
        at.child('serviceAccountName'),
        spec.serviceAccountName,
        checkDNS1123Subdomain(spec.serviceAccountName!),
      ),
    );
  }
  if ((spec.nodeName ?? '') !== '')
    errors.push(...invalidEach(at.child('nodeName'), spec.nodeName, checkDNS1123Subdomain(spec.nodeName!)));
  if (
    spec.activeDeadlineSeconds !== undefined &&
    (spec.activeDeadlineSeconds < 1 || spec.activeDeadlineSeconds > 2 ** 31 - 1)
  ) {
    errors.push(
      invalid(
        at.child('activeDeadlineSeconds'),
        spec.activeDeadlineSeconds,
        'must be between 1 and 2147483647, inclusive',
      ),
    );
  }
  if ((spec.hostname ?? '') !== '')
    errors.push(...invalidEach(at.child('hostname'), spec.hostname, checkDNS1123Label(spec.hostname!)));
  if ((spec.subdomain ?? '') !== '')
    errors.push(...invalidEach(at.child('subdomain'), spec.subdomain, checkDNS1123Label(spec.subdomain!)));
  validateTolerations(spec, at.child('tolerations'), errors);
  return errors;
}

function validateVolumes(volumes: readonly Volume[], at: FieldPath, errors: FieldError[]): Set<string> {
  const names = new Set<string>();
  volumes.forEach((volume, index) => {
    const place = at.index(index);
    const { name, ...sources } = volume;
    const count = Object.values(sources).filter((source) => source !== undefined).length;
    if (count === 0) errors.push(required(place, 'must specify a volume type'));
    if (count > 1) {
      const second = Object.entries(sources).filter(([, source]) => source !== undefined)[1]![0];
      errors.push(forbidden(place.child(second), 'may not specify more than 1 volume type'));
    }
    if (name === '') errors.push(required(place.child('name')));
    else {
      const problems = checkDNS1123Label(name);
      errors.push(...invalidEach(place.child('name'), name, problems));
      if (problems.length === 0 && names.has(name)) errors.push(duplicate(place.child('name'), name));
    }
    if (volume.persistentVolumeClaim?.claimName === '')
      errors.push(required(place.child('persistentVolumeClaim', 'claimName')));
    if (volume.configMap !== undefined && (volume.configMap.name ?? '') === '')
      errors.push(required(place.child('configMap', 'name')));
    if (volume.secret !== undefined && (volume.secret.secretName ?? '') === '')
      errors.push(required(place.child('secret', 'secretName')));
    if (volume.hostPath?.path === '') errors.push(required(place.child('hostPath', 'path')));
    names.add(name);
  });
  return names;
}

function validateContainers(
  spec: PodSpec,
  at: FieldPath,
  volumes: ReadonlySet<string>,
  errors: FieldError[],
): void {
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.push(required(at.child('containers')));
  const check = (container: Container, place: FieldPath): void => {
    validateContainer(container, place, volumes, errors);
    if (container.name !== '' && names.has(container.name))
      errors.push(duplicate(place.child('name'), container.name));
    names.add(container.name);
    (container.ports ?? []).forEach((port, index) => {
      if ((port.hostPort ?? 0) === 0) return;
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (hostPorts.has(key))
        errors.push(duplicate(place.child('ports').index(index).child('hostPort'), key));
      hostPorts.add(key);
    });
  };
  containers.forEach((container, index) => check(container, at.child('containers').index(index)));
  (spec.initContainers ?? []).forEach((container, index) =>
    check(container, at.child('initContainers').index(index)),
  );
}

function validateContainer(
  container: Container,
  at: FieldPath,
  volumes: ReadonlySet<string>,
  errors: FieldError[],
): void {
  const { name, image = '' } = container;
  if (name === '') errors.push(required(at.child('name')));
  else errors.push(...invalidEach(at.child('name'), name, checkDNS1123Label(name)));
  if (image === '') errors.push(required(at.child('image')));
  else if (image !== image.trim())
    errors.push(invalid(at.child('image'), image, 'must not have leading or trailing whitespace'));
  if (!TERMINATION_POLICIES.includes(container.terminationMessagePolicy ?? '')) {
    errors.push(
      notSupported(
        at.child('terminationMessagePolicy'),
        container.terminationMessagePolicy ?? '',
        TERMINATION_POLICIES,
      ),
    );
  }
  for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[kind];
    if (probe !== undefined) validateProbe(probe, kind, at.child(kind), errors);
  }
  validatePorts(container.ports ?? [], at.child('ports'), errors);
  (container.env ?? []).forEach((variable, index) =>
    validateEnv(variable, at.child('env').index(index), errors),
  );
  validateMounts(container, at, volumes, errors);
  if (!PULL_POLICIES.includes(container.imagePullPolicy ?? '')) {
    errors.push(
      (container.imagePullPolicy ?? '') === ''
        ? required(at.child('imagePullPolicy'))
        : notSupported(at.child('imagePullPolicy'), container.imagePullPolicy, PULL_POLICIES),
    );
  }
  if (container.resources !== undefined)
    validateResources(container.resources, at.child('resources'), errors);
}

function validateProbe(probe: Probe, kind: string, at: FieldPath, errors: FieldError[]): void {
  const handlers = (['exec', 'httpGet', 'tcpSocket', 'grpc'] as const).filter(
    (name) => probe[name] !== undefined,
  );
  if (handlers.length === 0) errors.push(required(at, 'must specify a handler type'));
  if (handlers.length > 1)
    errors.push(forbidden(at.child(handlers[1]!), 'may not specify more than 1 handler type'));
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.push(...validateNonnegative(at.child(name), probe[name] ?? 0));
  }
  if (kind !== 'readinessProbe' && (probe.successThreshold ?? 1) !== 1)
    errors.push(invalid(at.child('successThreshold'), probe.successThreshold, 'must be 1'));
  const port = probe.httpGet?.port ?? probe.tcpSocket?.port;
  const place = at.child(probe.httpGet === undefined ? 'tcpSocket' : 'httpGet', 'port');
  if (typeof port === 'number') errors.push(...invalidEach(place, port, checkPortNumber(port)));
  else if (typeof port === 'string') errors.push(...invalidEach(place, port, checkPortName(port)));
}

function validatePorts(ports: readonly ContainerPort[], at: FieldPath, errors: FieldError[]): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const place = at.index(index);
    if ((port.name ?? '') !== '') {
      const problems = checkPortName(port.name!);
      errors.push(...invalidEach(place.child('name'), port.name, problems));
      if (problems.length === 0 && names.has(port.name!))
        errors.push(duplicate(place.child('name'), port.name));
      names.add(port.name!);
    }
    if (port.containerPort === 0) errors.push(required(place.child('containerPort')));
    else
      errors.push(
        ...invalidEach(place.child('containerPort'), port.containerPort, checkPortNumber(port.containerPort)),
      );
    if ((port.hostPort ?? 0) !== 0)
      errors.push(...invalidEach(place.child('hostPort'), port.hostPort, checkPortNumber(port.hostPort!)));
    if (!PROTOCOLS.includes(port.protocol ?? ''))
      errors.push(notSupported(place.child('protocol'), port.protocol ?? '', PROTOCOLS));
  });
}

function validateEnv(variable: EnvVar, at: FieldPath, errors: FieldError[]): void {
  if (variable.name === '') errors.push(required(at.child('name')));
  else errors.push(...invalidEach(at.child('name'), variable.name, checkEnvVarName(variable.name)));
  const { valueFrom } = variable;
  if (valueFrom === undefined) return;
  const place = at.child('valueFrom');
  const sources = Object.values(valueFrom).filter((source) => source !== undefined).length;
  if (sources === 0)
    errors.push(
      invalid(
        place,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  else if ((variable.value ?? '') !== '')
    errors.push(invalid(place, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1)
    errors.push(invalid(place, '', 'may not have more than one field specified at a time'));
}

function validateMounts(
  container: Container,
  at: FieldPath,
  volumes: ReadonlySet<string>,
  errors: FieldError[],
): void {
  const paths = new Set<string>();
  (container.volumeMounts ?? []).forEach((mount, index) => {
    const place = at.child('volumeMounts').index(index);
    if (mount.name === '') errors.push(required(place.child('name')));
    if (mount.mountPath === '') errors.push(required(place.child('mountPath')));
    if (mount.name !== '' && !volumes.has(mount.name)) errors.push(notFound(place.child('name'), mount.name));
    if (paths.has(mount.mountPath))
      errors.push(invalid(place.child('mountPath'), mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if ((mount.subPath ?? '') !== '' && (mount.subPathExpr ?? '') !== '')
      errors.push(
        invalid(
          place.child('subPathExpr'),
          mount.subPathExpr,
          'subPathExpr and subPath are mutually exclusive',
        ),
      );
  });
}

function validateResources(
  { limits = {}, requests = {} }: ResourceRequirements,
  at: FieldPath,
  errors: FieldError[],
): void {
  for (const [part, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, amount] of Object.entries(amounts)) {
      if (parseQuantity(amount).nano < 0n)
        errors.push(invalid(at.child(part).key(name), amount, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, amount] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit !== undefined && compareQuantity(parseQuantity(amount), parseQuantity(limit)) > 0) {
      errors.push(
        invalid(at.child('requests'), amount, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
}

function validateTolerations(spec: PodSpec, at: FieldPath, errors: FieldError[]): void {
  (spec.tolerations ?? []).forEach((toleration, index) => {
    const place = at.index(index);
    if ((toleration.key ?? '') === '' && toleration.operator !== 'Exists') {
      errors.push(
        invalid(
          place.child('operator'),
          toleration.operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (toleration.tolerationSeconds !== undefined && toleration.effect !== 'NoExecute') {
      errors.push(
        invalid(
          place.child('effect'),
          toleration.effect ?? '',
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
      );
    }
    if (toleration.operator === 'Exists' && (toleration.value ?? '') !== '') {
      errors.push(
        invalid(place.child('operator'), toleration.value, "value must be empty when `operator` is 'Exists'"),
      );
    }
  });
}
