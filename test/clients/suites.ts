/** The client-library suites: how each is built from its language's registry, and how it is run. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Suite {
  readonly name: string;
  /** Programs that must be on PATH. */
  readonly needs: readonly string[];
  /** Commands that build it, run one after the other in `folder`. */
  readonly build: readonly (readonly string[])[];
  readonly run: readonly string[];
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

const here = import.meta.dirname;

/** What suites fetch and build is kept from one run to the next. */
export const SUITE_CACHE = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'kubemu-test-clients',
);

function goSuite(name: string, folder: string): Suite {
  const binary = join(SUITE_CACHE, 'go', name);
  return {
    name,
    needs: ['go'],
    build: [['go', 'build', '-o', binary, `./${folder}`]],
    run: [binary],
    folder: join(here, 'go'),
  };
}

function pythonSuite(name: string, program: string): Suite {
  const environment = join(SUITE_CACHE, 'python');
  const python = join(environment, 'bin', 'python');
  return {
    name,
    needs: ['python3'],
    build: [
      ['python3', '-m', 'venv', environment],
      [python, '-m', 'pip', 'install', '--quiet', '--requirement', 'requirements.txt'],
    ],
    run: [python, program],
    folder: join(here, 'python'),
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  };
}

function rustSuite(name: string): Suite {
  const target = join(SUITE_CACHE, 'rust');
  return {
    name,
    needs: ['cargo'],
    build: [['cargo', 'build', '--quiet']],
    run: [join(target, 'debug', name)],
    folder: join(here, 'rust'),
    env: { CARGO_TARGET_DIR: target },
  };
}

function javaSuite(name: string, main: string): Suite {
  const target = join(SUITE_CACHE, 'java');
  const libraries = join(target, 'lib');
  const goals = ['package', 'dependency:copy-dependencies'];
  return {
    name,
    needs: ['mvn', 'java'],
    build: [
      ['mvn', '--quiet', '--batch-mode', `-Dtarget=${target}`, ...goals, `-DoutputDirectory=${libraries}`],
    ],
    run: ['java', '-cp', `${join(target, 'clients-0.jar')}:${libraries}/*`, `io.kubemu.clients.${main}`],
    folder: join(here, 'java'),
  };
}

export const SUITES: readonly Suite[] = [
  {
    name: 'client-node',
    needs: ['node'],
    build: [],
    run: [process.execPath, '--import', 'tsx', join(here, 'node', 'main.ts')],
    folder: join(here, '..', '..'),
  },
  goSuite('client-go', 'clientgo'),
  goSuite('controller-runtime', 'runtime'),
  pythonSuite('kubernetes for Python', 'official.py'),
  pythonSuite('kr8s', 'kr8s_suite.py'),
  rustSuite('kube-rs'),
  javaSuite('fabric8', 'Fabric8Suite'),
  javaSuite('client-java', 'OfficialSuite'),
];

/** The first program a suite needs that is not there. */
export function missingProgram({ needs }: Suite): string | undefined {
  return needs.find((program) => spawnSync('which', [program]).status !== 0);
}

/** Rejects with the output of the command that failed. */
export async function buildSuite({ build, folder, env }: Suite): Promise<void> {
  mkdirSync(SUITE_CACHE, { recursive: true });
  for (const [command = '', ...args] of build) {
    await new Promise<void>((resolve, reject) => {
      const options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
      execFile(command, args, options, (error, stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(`${command} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`));
      });
    });
  }
}
