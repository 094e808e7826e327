/** The text of docs/controllers.md. */
import type { ControllerDefinition } from './runtime/controller.ts';
import type { AbsentController } from './runtime/manager.ts';

const INTRODUCTION = `# Controllers

Made by \`npm run generate\` from the descriptions in \`controllers/\`; do not edit.

\`--controllers\` takes the names and short names below as kube-controller-manager does: \`*\` for all that are on by
default, \`name\` for one more, \`-name\` for one less. The scheduler and the nodes have switches of their own, and what
is part of the API server always runs. Each controller watches through informers that all share, and writes through the API like any client.
`;

const ABSENT = `## Not there

kube-controller-manager has these as well. \`--controllers\` takes their names to switch them off, and refuses to switch
them on.
`;

/** One section a controller, in the order of their names, and one for those that are not there. */
export function formatControllers(
  definitions: readonly ControllerDefinition[],
  absent: readonly AbsentController[],
): string {
  const inOrder = [...definitions].sort((a, b) => (a.name < b.name ? -1 : 1));
  const missing = absent.map(
    ({ name, aliases = [], why }) => `- ${[name, ...aliases].map(code).join(', ')}: ${why}`,
  );
  return [INTRODUCTION, ...inOrder.map(section), ABSENT, ...missing, ''].join('\n');
}

function section({ name, aliases = [], disabledByDefault, description }: ControllerDefinition): string {
  const { does, watches, writes, events = [], leavesOut = [] } = description;
  const rows = [
    ['short name', aliases.map(code)],
    ['watches', watches.map(code)],
    ['writes', writes.map(code)],
    ['events', events],
    ['leaves out', leavesOut],
  ] as const;
  return [
    `## ${name}`,
    '',
    `${does}${disabledByDefault === true ? ' Off unless named.' : ''}`,
    '',
    ...rows
      .filter(([, entries]) => entries.length > 0)
      .map(([title, entries]) => `- ${title}: ${entries.join(title === 'leaves out' ? '; ' : ', ')}`),
    '',
  ].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
