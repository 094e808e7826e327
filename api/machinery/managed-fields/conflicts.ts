/** Conflicts of an apply as clients see them. Mirrors apimachinery util/managedfields internal/conflict.go. */
import { StatusError } from '../errors.ts';
import { compareText, goQuote } from '../go-format.ts';
import { parseIdentifier } from './managed-entries.ts';
import { formatElements } from './path-element.ts';
import type { Conflict } from './updater.ts';

/** 409 with one cause per field and manager. */
export function newApplyConflict(conflicts: readonly Conflict[]): StatusError {
  const sorted = [...conflicts].sort((a, b) => compareText(a.manager, b.manager));
  return new StatusError('Conflict', conflictMessage(sorted), {
    details: {
      causes: sorted.map(({ manager, path }) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${formatManager(manager)}`,
        field: formatElements(path),
      })),
    },
  });
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  if (conflicts.length === 1) {
    const [{ manager, path }] = conflicts as [Conflict];
    return `Apply failed with 1 conflict: conflict with ${formatManager(manager)}: ${formatElements(path)}`;
  }
  const lines: string[] = [];
  let previous: string | undefined;
  for (const { manager, path } of conflicts) {
    if (manager !== previous) lines.push(`conflicts with ${formatManager(manager)}:`);
    lines.push(`- ${formatElements(path)}`);
    previous = manager;
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function formatManager(identifier: string): string {
  const { manager = '', operation, apiVersion, subresource } = parseIdentifier(identifier);
  const part = subresource === undefined ? '' : ` with subresource ${goQuote(subresource)}`;
  return `${goQuote(manager)}${part}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}
