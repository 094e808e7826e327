/**
 * Images without a registry: every well-formed name can be pulled, except those made to fail (docs/reference/nodes.md).
 */
import { remembering } from '../../api/machinery/remembering.ts';

export interface ImageReference {
  /** With registry and repository spelled out, for example `docker.io/library/nginx:1.25`. */
  readonly name: string;
  readonly repository: string;
  readonly tag: string;
}

const REPOSITORY =
  /^(?:[a-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** Parts of an image name, or the reason it is none, as the container runtime words it. */
export function parseImage(image: string): ImageReference | { readonly error: string } {
  const [beforeDigest, digest] = image.split('@', 2) as [string, string | undefined];
  const slash = beforeDigest.lastIndexOf('/');
  const colon = beforeDigest.indexOf(':', slash + 1);
  const repository = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = colon < 0 ? 'latest' : beforeDigest.slice(colon + 1);
  if (repository !== repository.toLowerCase() && REPOSITORY.test(repository.toLowerCase())) {
    return {
      error: `invalid reference format: repository name (${qualified(repository)}) must be lowercase`,
    };
  }
  if (
    !REPOSITORY.test(repository) ||
    !TAG.test(tag) ||
    (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest))
  ) {
    return { error: 'invalid reference format' };
  }
  const full = qualifiedWithHost(repository);
  return { name: digest === undefined ? `${full}:${tag}` : `${full}@${digest}`, repository: full, tag };
}

function qualified(repository: string): string {
  return repository.includes('/') ? repository : `library/${repository}`;
}

function qualifiedWithHost(repository: string): string {
  const first = repository.split('/', 1)[0]!;
  const hasHost =
    repository.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  return hasHost ? repository : `docker.io/${qualified(repository)}`;
}

/** Words that make a pull fail when the repository or the tag contains them. */
const FAILING_WORDS = [
  'does-not-exist',
  'doesnotexist',
  'do-not-exist',
  'non-existent',
  'nonexistent',
  'not-found',
  'notfound',
  'no-such-image',
];

/** The error a pull of `reference` ends in, or undefined when it succeeds. */
export function pullError(reference: ImageReference): string | undefined {
  const host = reference.repository.split('/', 1)[0]!.split(':', 1)[0]!;
  if (host.endsWith('.invalid')) {
    return (
      `failed to pull and unpack image "${reference.name}": failed to resolve reference "${reference.name}": ` +
      `failed to do request: Head "https://${reference.repository.replace('/', '/v2/')}/manifests/${reference.tag}": ` +
      `dial tcp: lookup ${host}: no such host`
    );
  }
  const words = `${reference.repository}:${reference.tag}`;
  // The official rollout tutorial misspells nginx:1.16.1 this way to show a rollout that hangs.
  const misspelled = reference.repository.endsWith('/nginx') && /^1\.\d{3,}$/.test(reference.tag);
  if (misspelled || FAILING_WORDS.some((word) => words.includes(word))) {
    return (
      `rpc error: code = NotFound desc = failed to pull and unpack image "${reference.name}": ` +
      `failed to resolve reference "${reference.name}": ${reference.name}: not found`
    );
  }
  return undefined;
}

/** A number that looks arbitrary but is the same for the same text (FNV-1a). */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** 64 hexadecimal digits made from `text`, where a real runtime shows a digest. */
export function hex64(text: string): string {
  let hex = '';
  for (let i = 0; hex.length < 64; i++) hex += hash32(`${i}/${text}`).toString(16).padStart(8, '0');
  return hex;
}

/** Size shown for an image: some tens of megabytes, always the same for one image. */
export function imageSizeBytes(reference: ImageReference): number {
  return 20_000_000 + (hash32(reference.name) % 180_000_000);
}

/** The `imageID` of a container status. */
export function imageId({ repository, name }: ImageReference): string {
  return `${repository}@sha256:${digestOf(name)}`;
}

/** A few images run in many containers. */
const digestOf = remembering(hex64);
