/** Names of API types and resources. */

export interface GroupVersionKind {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupResource {
  readonly group: string;
  /** Plural name, for example `deployments`. */
  readonly resource: string;
}

/** `v1` or `apps/v1`: the value of `apiVersion`. */
export function formatGroupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Splits an `apiVersion`; undefined when it has more than one slash or an empty part. */
export function parseGroupVersion(apiVersion: string): { group: string; version: string } | undefined {
  const parts = apiVersion.split('/');
  if (parts.some((part) => part === '') || parts.length > 2) return undefined;
  return parts.length === 1 ? { group: '', version: parts[0]! } : { group: parts[0]!, version: parts[1]! };
}

/** `pods` or `deployments.apps`, as error messages name resources. */
export function formatGroupResource({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** `Pod` or `Deployment.apps`, as error messages name kinds. */
export function formatGroupKind(group: string, kind: string): string {
  return group === '' ? kind : `${kind}.${group}`;
}
