/** The rules of the house that a machine can check. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KUBEMU_VERSION, KUBERNETES_VERSION } from '../server/version.ts';

const root = resolve(import.meta.dirname, '..');
const SOURCE_FOLDERS = ['api', 'bench', 'cli', 'controllers', 'openapi', 'server', 'storage'];

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return path === 'openapi/generator' ? [] : filesIn(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : pagesIn(path);
    return path.endsWith('.md') ? [path] : [];
  });
}

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Files of ours it imports, as paths from the root. */
  readonly imports: readonly string[];
}

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const specifiers = [...text.matchAll(/^(?:import|export)\b[^;'`]*?'(\.[^']+)'/gm)].map(
    (match) => match[1]!,
  );
  return { path, text, imports: specifiers.map((specifier) => targetOf(path, specifier)) };
}

/** The file that is imported, as a path from the root. */
function targetOf(importer: string, specifier: string): string {
  return relative(root, resolve(root, dirname(importer), specifier))
    .split(sep)
    .join('/');
}

const sources: SourceFile[] = SOURCE_FOLDERS.flatMap(filesIn).map(read);
const tests: SourceFile[] = filesIn('test').map(read);

/** What files import of others: `path: name`, or `path: *` for all of it. */
function importedNames(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const named = [...text.matchAll(/\{([^{}]*)\} from '(\.[^']+)'/g)].flatMap(([, names, specifier]) =>
      names!.split(',').map(
        (name) =>
          `${targetOf(path, specifier!)}: ${
            name
              .trim()
              .replace(/^type /, '')
              .split(' ')[0]
          }`,
      ),
    );
    const whole = [...text.matchAll(/(?:\* as [\w$]+ from |\bimport\()'(\.[^']+)'/g)].map(
      ([, specifier]) => `${targetOf(path, specifier!)}: *`,
    );
    return [...named, ...whole];
  });
}

/** Who may import whom: the first rule whose `from` is a prefix of the file's path decides. */
const IMPORT_RULES: readonly { from: string; may: readonly string[] }[] = [
  { from: 'openapi/facts/', may: ['openapi/facts/'] },
  { from: 'openapi/generated/', may: ['openapi/generated/', 'api/machinery/'] },
  { from: 'openapi/', may: ['openapi/', 'api/'] },
  { from: 'api/machinery/', may: ['api/machinery/', 'openapi/facts/', 'openapi/generated/'] },
  { from: 'api/', may: ['api/', 'openapi/facts/', 'openapi/generated/'] },
  { from: 'storage/', may: ['storage/', 'api/machinery/'] },
  { from: 'controllers/', may: ['controllers/', 'api/', 'openapi/generated/'] },
  { from: 'server/cluster', may: ['server/', 'api/', 'storage/', 'openapi/', 'controllers/'] },
  { from: 'server/', may: ['server/', 'api/', 'storage/', 'openapi/'] },
  {
    from: 'cli/',
    may: ['cli/', 'server/cluster.ts', 'server/data-directory.ts', 'server/version.ts', 'api/machinery/'],
  },
  { from: 'bench/', may: [''] },
];

/** Calls with one home each, and what to use elsewhere. */
const SEAMS: readonly { pattern: RegExp; allowed: readonly string[]; instead: string }[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
    allowed: ['api/machinery/clock.ts', 'bench/'],
    instead: 'Clock.now',
  },
  {
    pattern: /(?<!\.)\b(setTimeout|setInterval)\(/,
    allowed: ['api/machinery/clock.ts'],
    instead: 'Clock.schedule',
  },
  {
    pattern: /\b(setImmediate|process\.nextTick)\(/,
    allowed: ['api/machinery/tasks.ts'],
    instead: 'TaskTracker.run or nextTurn',
  },
  { pattern: /\bMath\.random\(/, allowed: [], instead: 'Random' },
  { pattern: /\bconsole\.\w+\(/, allowed: ['bench/'], instead: 'Logger' },
];

/** Started by commands, or given to users. */
const ENTRIES = [
  'cli/main.ts',
  'cli/launch.ts',
  'cli/build.ts',
  'server/index.ts',
  'openapi/generate.ts',
  'openapi/build.ts',
  'controllers/generate.ts',
  'server/bootstrap/generate.ts',
  'server/coverage/generate.ts',
  'bench/run.ts',
  'bench/baseline-server.ts',
];

/** The code of a file without comments, so that words in prose do not count. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

describe('import directions', () => {
  it.each(sources.map((source) => [source.path, source] as const))('%s', (path, source) => {
    const rule = IMPORT_RULES.find(({ from }) => path.startsWith(from))!;
    const wrong = source.imports.filter((target) => !rule.may.some((prefix) => target.startsWith(prefix)));
    expect(wrong, `${path} may import ${rule.may.join(', ')}`).toEqual([]);
  });

  it('every rule has files', () => {
    const unused = IMPORT_RULES.filter(({ from }) => !sources.some(({ path }) => path.startsWith(from)));
    expect(unused).toEqual([]);
  });
});

describe('seams', () => {
  it.each(SEAMS)('$pattern stands only behind its door; elsewhere: $instead', ({ pattern, allowed }) => {
    const wrong = sources.filter(
      ({ path, text }) => pattern.test(codeOf(text)) && !allowed.some((prefix) => path.startsWith(prefix)),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

describe('files', () => {
  it('are all used', () => {
    const imported = new Set(sources.flatMap(({ imports }) => imports));
    const testText = tests.map(({ text }) => text).join('\n');
    const unused = sources.filter(
      ({ path }) =>
        !imported.has(path) &&
        !ENTRIES.includes(path) &&
        !path.endsWith('.d.json.ts') &&
        // One for every group version, whether or not it is needed yet.
        !path.startsWith('openapi/generated/') &&
        !testText.includes(`/${path}'`),
    );
    expect(unused.map(({ path }) => path).join('\n')).toBe('');
  });

  it('export no value that only they themselves use', () => {
    const used = new Set(importedNames([...sources, ...tests]));
    const unused = [...sources, ...tests]
      .filter(({ path }) => !ENTRIES.includes(path) && !path.startsWith('openapi/generated/'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^export (?:abstract |async )*(?:function|const|class) ([\w$]+)/gm)]
          .map(([, name]) => `${path}: ${name}`)
          .filter((value) => !used.has(value) && !used.has(`${value.split(':')[0]}: *`)),
      );
    expect(unused).toEqual([]);
  });

  it('export no type that is mentioned nowhere else', () => {
    const mentions = new Map<string, number>();
    for (const { text } of [...sources, ...tests])
      for (const [word] of text.matchAll(/[\w$]+/g)) mentions.set(word, (mentions.get(word) ?? 0) + 1);
    const unused = sources
      .filter(({ path }) => !path.startsWith('openapi/generated/'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^export (?:interface|type) ([\w$]+)/gm)]
          .filter(([, name]) => mentions.get(name!) === 1)
          .map(([, name]) => `${path}: ${name}`),
      );
    expect(unused).toEqual([]);
  });

  it('hold no unfinished markers', () => {
    const marker = new RegExp(['TO', 'DO|FIX', 'ME|X', 'XX'].join(''));
    const wrong = sources.filter(({ text }) => marker.test(text.replaceAll(/mktemp.*X+/g, '')));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('switch no lint rule off without a reason', () => {
    const wrong = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/(?:oxlint|eslint)-disable[^\n]*/g)]
        .filter(([line]) => !line.includes(' -- '))
        .map(([line]) => `${path}: ${line}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('versions', () => {
  it('agree with package.json and the facts', () => {
    const packageVersion = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
    expect(KUBEMU_VERSION).toBe(packageVersion);
    const facts = JSON.parse(readFileSync(join(root, 'openapi/facts/types.json'), 'utf8'));
    expect(KUBERNETES_VERSION).toBe(`v${facts.kubernetes}`);
  });
});

describe('scripts of package.json', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const pages = ['README.md', 'CONTRIBUTING.md']
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .join('\n');
  // npm itself runs these before others.
  const HOOKS = ['prepare', 'prestart'];

  it.each(Object.keys(scripts).filter((name) => !HOOKS.includes(name)))('%s is explained', (name) => {
    expect(pages).toMatch(new RegExp(`npm (run )?${name}(?![:\\w])`));
  });
});

describe('documents name files that are there', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...pagesIn('docs'),
    ...pagesIn('test'),
    ...pagesIn('openapi'),
  ];

  it.each(pages)('%s', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const paths = [...text.matchAll(/`(\w[\w.-]*\/[\w./-]+)`/g)]
      .map((match) => match[1]!)
      .filter((path) => existsSync(join(root, path.split('/')[0]!)) && !path.startsWith('dist/'));
    const links = [...text.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\((\.*[\w./-]+)(#[\w-]*)?\)/g)].map(
      (match) => join(dirname(page), match[1]!),
    );
    expect([...paths, ...links].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('dependencies', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };

  it.each(Object.keys(dependencies))('%s is used by what is shipped', (name) => {
    const pattern = new RegExp(`(from|import\\() ?'${name}(/[^']*)?'`);
    expect(sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).not.toEqual([]);
  });
});
