/** Writes docs/reference/coverage.md. `npm run generate`; a test checks that it is current. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { formatCoverage } from './coverage-page.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'coverage.md');
writeFileSync(path, formatCoverage(builtInDefinitions()));
