/** Keys and certificates on disk, so that a kubeconfig stays good over restarts. */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createAuthority,
  issueCertificate,
  type CertificateRequest,
  type KeyAndCertificate,
} from './certificates.ts';

/** Renewed when less than this is left. */
const RENEW_BEFORE_MS = 30 * 24 * 3600 * 1000;

export interface CertificateKeeper {
  readonly authority: KeyAndCertificate;
  /** The certificate kept as `name`, or a new one when there is none, it soon ends, or it lacks a host. */
  certificate(name: string, request: CertificateRequest): Promise<KeyAndCertificate>;
}

/** Opens `folder`, making an authority on first use; without a folder everything is made anew and kept nowhere. */
export async function openCertificates(
  folder: string | undefined,
  nowMs: number,
): Promise<CertificateKeeper> {
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = (await load(folder, 'ca')) ?? createAuthority({ commonName: 'kubemu' }, nowMs);
  await save(folder, 'ca', authority);
  return {
    authority,
    certificate: async (name, request) => {
      const kept = await load(folder, name);
      if (kept !== undefined && isGood(kept, authority, request, nowMs)) return kept;
      const issued = issueCertificate(authority, request, nowMs);
      await save(folder, name, issued);
      return issued;
    },
  };
}

function isGood(
  kept: KeyAndCertificate,
  authority: KeyAndCertificate,
  request: CertificateRequest,
  nowMs: number,
): boolean {
  const certificate = new X509Certificate(kept.certificate);
  if (Date.parse(certificate.validTo) - nowMs < RENEW_BEFORE_MS) return false;
  if (!certificate.verify(new X509Certificate(authority.certificate).publicKey)) return false;
  return (request.hosts ?? []).every(
    (host) => certificate.checkHost(host) !== undefined || certificate.checkIP(host) !== undefined,
  );
}

async function load(folder: string | undefined, name: string): Promise<KeyAndCertificate | undefined> {
  if (folder === undefined) return undefined;
  try {
    const [certificate, key] = await Promise.all([
      readFile(join(folder, `${name}.crt`), 'utf8'),
      readFile(join(folder, `${name}.key`), 'utf8'),
    ]);
    return { certificate, key };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function save(
  folder: string | undefined,
  name: string,
  { certificate, key }: KeyAndCertificate,
): Promise<void> {
  if (folder === undefined) return;
  await write(join(folder, `${name}.key`), key);
  await write(join(folder, `${name}.crt`), certificate);
}

/** Whole or not at all: a process that dies half-way leaves the old file. */
async function write(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
