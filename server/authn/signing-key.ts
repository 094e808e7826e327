/** The key that signs tokens of service accounts, kept with the certificates. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const FILE = 'sa.key';
const MODULUS_BITS = 2048;

export interface SigningKey {
  /** base64url of the SHA-256 of the public key, as `kid` has it. */
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/**
 * The key in `folder`, made on first use because that takes a while; without a folder it is kept nowhere. Every call of
 * the result answers with the same key.
 */
export function keepSigningKey(folder: string | undefined): () => Promise<SigningKey> {
  let key: Promise<SigningKey> | undefined;
  return () => (key ??= openSigningKey(folder));
}

async function openSigningKey(folder: string | undefined): Promise<SigningKey> {
  const kept = folder === undefined ? undefined : await load(join(folder, FILE));
  if (kept !== undefined) return toSigningKey(createPrivateKey(kept));
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS });
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, FILE);
    await writeFile(`${path}.new`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
  return toSigningKey(privateKey);
}

function toSigningKey(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { id: createHash('sha256').update(der).digest('base64url'), privateKey, publicKey };
}

async function load(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
