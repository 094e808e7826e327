/** Writes the descriptions artefact that documents are published with. Run by the build; the file is not committed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDescriptions } from './descriptions.ts';
import types from './facts/types.json' with { type: 'json' };

const root = join(import.meta.dirname, '..');
const descriptions = readDescriptions(join(root, 'node_modules'), types);
writeFileSync(join(root, 'dist', 'descriptions.json'), JSON.stringify(descriptions));
