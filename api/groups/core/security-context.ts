/** Security contexts of containers and pods. Mirrors ValidateSecurityContext and validatePodSpecSecurityContext. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, checkUserID } from '../../machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field-errors.ts';
import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '../../../openapi/generated/core-v1.ts';
import { addDescendingPath, addEach, addSupported, type Findings } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import { hostSysctlProblem, type PodRules, visitContainers } from './pod-rules.ts';

const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const PROC_MOUNTS = ['Default', 'Unmasked'];
const PROFILE_PATH_BYTES_MAX = 4095;

function addUserID(errors: Findings, at: FieldPath, id: number | undefined): void {
  if (id !== undefined) addEach(errors, at, id, checkUserID(id));
}

export function addContainerSecurityContext(
  errors: Findings,
  at: FieldPath,
  context: SecurityContext,
  hostUsers: boolean,
): void {
  addUserID(errors, at.child('runAsUser'), context.runAsUser);
  addUserID(errors, at.child('runAsGroup'), context.runAsGroup);
  const { procMount } = context;
  if (procMount !== undefined) {
    const place = at.child('procMount');
    addSupported(errors, place, procMount, PROC_MOUNTS);
    if (hostUsers && procMount === 'Unmasked')
      errors.push(invalid(place, procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  addSeccompProfile(errors, at.child('seccompProfile'), context.seccompProfile);
  if (context.allowPrivilegeEscalation === false) addEscalation(errors, at, context);
  addWindowsOptions(errors, at.child('windowsOptions'), context.windowsOptions);
  addAppArmorProfile(errors, at.child('appArmorProfile'), context.appArmorProfile);
}

function addEscalation(errors: Findings, at: FieldPath, context: SecurityContext): void {
  const add = (what: string): void => {
    const text = `cannot set \`allowPrivilegeEscalation\` to false and ${what}`;
    errors.push(invalidInternal(at, 'SecurityContext', context, text));
  };
  if (context.privileged === true) add('`privileged` to true');
  for (const capability of context.capabilities?.add ?? [])
    if (capability === 'CAP_SYS_ADMIN') add('`capabilities.Add` CAP_SYS_ADMIN');
}

function addSeccompProfile(errors: Findings, at: FieldPath, profile: SeccompProfile | undefined): void {
  if (profile === undefined) return;
  const { type = '', localhostProfile } = profile;
  if (type === '') errors.push(required(at.child('type'), 'type is required when seccompProfile is set'));
  else addSupported(errors, at.child('type'), type, PROFILE_TYPES);
  const place = at.child('localhostProfile');
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined) {
      const text = 'can only be set when seccomp type is Localhost';
      errors.push(invalidInternal(place, 'SeccompProfile', profile, text));
    }
  } else if (localhostProfile === undefined)
    errors.push(required(place, 'must be set when seccomp type is Localhost'));
  else addDescendingPath(errors, place, localhostProfile);
}

function addAppArmorProfile(errors: Findings, at: FieldPath, profile: AppArmorProfile | undefined): void {
  if (profile === undefined) return;
  const { type = '', localhostProfile } = profile;
  const place = at.child('localhostProfile');
  if (type === '') errors.push(required(at.child('type'), 'type is required when appArmorProfile is set'));
  else if (!PROFILE_TYPES.includes(type)) errors.push(notSupported(at.child('type'), type, PROFILE_TYPES));
  else if (type !== 'Localhost') {
    if (localhostProfile !== undefined)
      errors.push(invalid(place, localhostProfile, 'can only be set when AppArmor type is Localhost'));
  } else if (localhostProfile === undefined)
    errors.push(required(place, 'must be set when AppArmor type is Localhost'));
  else {
    const trimmed = localhostProfile.trim();
    if (trimmed !== localhostProfile)
      errors.push(invalid(place, localhostProfile, 'must not be padded with whitespace'));
    else if (trimmed === '') errors.push(required(place, 'must be set when AppArmor type is Localhost'));
    if (byteLength(localhostProfile) > PROFILE_PATH_BYTES_MAX)
      errors.push(tooLong(place, '', PROFILE_PATH_BYTES_MAX));
  }
}

const CREDENTIAL_SPEC_KIB_MAX = 64;
const DOMAIN_BYTES_MAX = 256;
const USER_BYTES_MAX = 104;
// oxlint-disable-next-line no-control-regex -- the rule is about control characters
const CONTROL = /[\u0000-\u001f\u007f]/;
const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DNS_DOMAIN =
  /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
const DOTS_OR_SPACES = /^[. ]+$/;
const NOT_IN_USER = /["/\\:;|=,+*?<>@[\]]/;

function addWindowsOptions(
  errors: Findings,
  at: FieldPath,
  options: WindowsSecurityContextOptions | undefined,
): void {
  if (options === undefined) return;
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined)
    addEach(
      errors,
      at.child('gmsaCredentialSpecName'),
      gmsaCredentialSpecName,
      checkDNS1123Subdomain(gmsaCredentialSpecName),
    );
  if (gmsaCredentialSpec !== undefined) {
    const place = at.child('gmsaCredentialSpec');
    if (gmsaCredentialSpec === '')
      errors.push(invalid(place, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'));
    else if (byteLength(gmsaCredentialSpec) > CREDENTIAL_SPEC_KIB_MAX * 1024) {
      const text = `gmsaCredentialSpec size must be under ${CREDENTIAL_SPEC_KIB_MAX} KiB`;
      errors.push(invalid(place, gmsaCredentialSpec, text));
    }
  }
  if (runAsUserName !== undefined)
    addEach(errors, at.child('runAsUserName'), runAsUserName, checkWindowsUser(runAsUserName));
}

function checkWindowsUser(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  if (CONTROL.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const texts: string[] = [];
  if (domain !== undefined) {
    if (byteLength(domain) >= DOMAIN_BYTES_MAX)
      texts.push(`runAsUserName's Domain length must be under ${DOMAIN_BYTES_MAX} characters`);
    if (!NETBIOS.test(domain) && !DNS_DOMAIN.test(domain))
      texts.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') texts.push("runAsUserName's User cannot be empty");
  else if (byteLength(user) > USER_BYTES_MAX)
    texts.push(`runAsUserName's User length must not be longer than ${USER_BYTES_MAX} characters`);
  if (DOTS_OR_SPACES.test(user)) texts.push("runAsUserName's User cannot contain only periods or spaces");
  if (NOT_IN_USER.test(user))
    texts.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return texts;
}

const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SYSCTL = `^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`;
const SYSCTL_REGEXP = new RegExp(SYSCTL);
const SYSCTL_LENGTH_MAX = 253;

function addSysctls(
  errors: Findings,
  at: FieldPath,
  sysctls: NonNullable<PodSecurityContext['sysctls']>,
  spec: PodSpec,
  rules: PodRules,
): void {
  const seen = new Set<string>();
  sysctls.forEach(({ name = '' }, index) => {
    const place = at.index(index).child('name');
    if (name === '') errors.push(required(place));
    else if (name.length > SYSCTL_LENGTH_MAX || !SYSCTL_REGEXP.test(name)) {
      const text = `must have at most ${SYSCTL_LENGTH_MAX} characters and match regex ${SYSCTL}`;
      errors.push(invalid(place, name, text));
    } else if (seen.has(name)) errors.push(duplicate(place, name));
    const problem = hostSysctlProblem(name, spec);
    if (problem !== undefined && rules.allowHostSysctls !== true) errors.push(invalid(place, name, problem));
    seen.add(name);
  });
}

export function addPodSecurityContext(errors: Findings, at: FieldPath, spec: PodSpec, rules: PodRules): void {
  const context = spec.securityContext ?? {};
  addUserID(errors, at.child('fsGroup'), context.fsGroup);
  addUserID(errors, at.child('runAsUser'), context.runAsUser);
  addUserID(errors, at.child('runAsGroup'), context.runAsGroup);
  context.supplementalGroups?.forEach((id, index) =>
    addUserID(errors, at.child('supplementalGroups').index(index), id),
  );
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    const text = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalid(at.child('shareProcessNamespace'), true, text));
  }
  if (context.sysctls !== undefined) addSysctls(errors, at.child('sysctls'), context.sysctls, spec, rules);
  addSupported(errors, at.child('fsGroupChangePolicy'), context.fsGroupChangePolicy, [
    'Always',
    'OnRootMismatch',
  ]);
  addSeccompProfile(errors, at.child('seccompProfile'), context.seccompProfile);
  addWindowsOptions(errors, at.child('windowsOptions'), context.windowsOptions);
  addAppArmorProfile(errors, at.child('appArmorProfile'), context.appArmorProfile);
  addSupported(errors, at.child('supplementalGroupsPolicy'), context.supplementalGroupsPolicy, [
    'Merge',
    'Strict',
  ]);
  const policies = rules.allowSELinuxMountOption === true ? ['MountOption', 'Recursive'] : ['Recursive'];
  addSupported(errors, at.child('seLinuxChangePolicy'), context.seLinuxChangePolicy, policies);
}

/** Windows pods on the host. Mirrors validateWindowsHostProcessPod. */
export function addHostProcess(errors: Findings, at: FieldPath, spec: PodSpec): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let containers = 0;
  let onHost = 0;
  visitContainers(spec, ({ securityContext }, list, index) => {
    containers++;
    const own = securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const place = at.child(list).index(index).child('securityContext', 'windowsOptions', 'hostProcess');
      const text = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.push(invalid(place, own, text));
    }
    if (own ?? ofPod) onHost++;
  });
  if (onHost === 0) return;
  if (onHost !== containers) {
    const text =
      'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.push(invalid(at, '', text));
  }
  if (spec.hostNetwork !== true) {
    const text = 'hostNetwork must be true if pod contains any hostProcess containers';
    errors.push(invalid(at.child('hostNetwork'), false, text));
  }
}

/** Members that only Linux has, as upstream refuses them for Windows, in its order. */
const NOT_ON_WINDOWS_POD = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
];
const NOT_ON_WINDOWS_CONTAINER = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

/** What the operating system of the pod does not have. */
export function addOS(errors: Findings, at: FieldPath, spec: PodSpec): void {
  const name = spec.os!.name ?? '';
  const place = at.child('os');
  if (name === '') errors.push(required(place.child('name')));
  else if (name === 'linux') addLinux(errors, at, spec);
  else if (name === 'windows') addWindows(errors, at, spec);
  else errors.push(notSupported(place, name, ['linux', 'windows']));
}

function addLinux(errors: Findings, at: FieldPath, spec: PodSpec): void {
  const text = 'windows options cannot be set for a linux pod';
  if (spec.securityContext?.windowsOptions !== undefined)
    errors.push(forbidden(at.child('securityContext', 'windowsOptions'), text));
  visitContainers(spec, ({ securityContext }, list, index) => {
    if (securityContext?.windowsOptions === undefined) return;
    errors.push(forbidden(at.child(list).index(index).child('securityContext', 'windowsOptions'), text));
  });
}

function addWindows(errors: Findings, at: FieldPath, spec: PodSpec): void {
  const text = 'cannot be set for a windows pod';
  const context = (spec.securityContext ?? {}) as Readonly<Record<string, unknown>>;
  for (const member of NOT_ON_WINDOWS_POD) {
    const [owner, inner] = member.split('.') as [string, string | undefined];
    const value = inner === undefined ? (spec as Record<string, unknown>)[owner] : context[inner];
    const isSet =
      value !== undefined && (value !== false || owner === 'hostUsers' || owner === 'shareProcessNamespace');
    if (isSet) errors.push(forbidden(at.child(member), text));
  }
  visitContainers(spec, ({ securityContext }, list, index) => {
    for (const member of NOT_ON_WINDOWS_CONTAINER) {
      if (securityContext?.[member] === undefined) continue;
      errors.push(forbidden(at.child(list).index(index).child('securityContext', member), text));
    }
  });
}
