/** `/version`: what the server says it is. */

export interface VersionOptions {
  /** For example `v1.36.2`; a suffix is fine (`v1.36.2-custom`). */
  readonly gitVersion: string;
  readonly buildDate?: string;
}

/** `version.Info` of Kubernetes, in the key order of the wire. */
export function versionInfo({ gitVersion, buildDate = '1970-01-01T00:00:00Z' }: VersionOptions): object {
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: minor === '' ? '' : String(Number(minor) - 1),
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate,
    goVersion: `node ${process.version}`,
    compiler: 'kubemu',
    platform: `${process.platform === 'win32' ? 'windows' : process.platform}/${architecture}`,
  };
}
