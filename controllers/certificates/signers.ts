/** What the signers of a cluster sign. Mirrors pkg/controller/certificates/signer and pkg/apis/certificates helpers.go. */
import type { CertificateRequest } from '../../api/groups/certificates/certificate-request.ts';

/** Why a signer refuses, or undefined. */
export type Refusal = string | undefined;
type Check = (request: CertificateRequest, usages: readonly string[]) => Refusal;

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
export const KUBELET_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
const KUBELET_SERVING_SIGNER = 'kubernetes.io/kubelet-serving';
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';

const CLIENT_AUTH = 'client auth';
const SIGNATURE = 'digital signature';
const ENCIPHERMENT = 'key encipherment';
const NOT_A_GROUP = 'subject organization is not system:nodes';
const NOT_A_NODE = 'subject common name does not begin with system:node:';

export const SIGNERS: Readonly<Record<string, Check>> = {
  [CLIENT_SIGNER]: (_request, usages) => checkClientUsages(usages),
  [KUBELET_CLIENT_SIGNER]: checkKubeletClient,
  [KUBELET_SERVING_SIGNER]: checkKubeletServing,
  [LEGACY_SIGNER]: () => undefined,
};

/** What the certificate of a node that is a client must look like. */
export function checkKubeletClient(request: CertificateRequest, usages: readonly string[]): Refusal {
  if (!isOfNodes(request)) return NOT_A_GROUP;
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!isNode(request)) return NOT_A_NODE;
  return checkNodeUsages(usages, CLIENT_AUTH);
}

function checkKubeletServing(request: CertificateRequest, usages: readonly string[]): Refusal {
  if (!isOfNodes(request)) return NOT_A_GROUP;
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0)
    return 'DNS or IP subjectAltName is required';
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return checkNodeUsages(usages, 'server auth') ?? (isNode(request) ? undefined : NOT_A_NODE);
}

function isOfNodes({ organizations }: CertificateRequest): boolean {
  return organizations.length === 1 && organizations[0] === 'system:nodes';
}

function isNode({ commonName }: CertificateRequest): boolean {
  return commonName.startsWith('system:node:');
}

/** Exactly these, of which encipherment may be left out: only RSA keys do it. */
function checkNodeUsages(usages: readonly string[], purpose: string): Refusal {
  const asked = new Set(usages);
  const needed = [purpose, SIGNATURE];
  const isExact =
    needed.every((usage) => asked.delete(usage)) && [...asked].every((usage) => usage === ENCIPHERMENT);
  return isExact ? undefined : `usages did not match [${[...needed, ENCIPHERMENT].sort().join(' ')}]`;
}

function checkClientUsages(usages: readonly string[]): Refusal {
  const odd = usages.find((usage) => ![CLIENT_AUTH, SIGNATURE, ENCIPHERMENT].includes(usage));
  if (odd !== undefined) return `invalid usage for client certificate: ${odd}`;
  return usages.includes(CLIENT_AUTH)
    ? undefined
    : `missing required usage for client certificate: ${CLIENT_AUTH}`;
}
