/** Writes docs/controllers.md from what the controllers say about themselves. `npm run generate`; CI checks that it is current. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatControllers } from './describe.ts';
import {
  ABSENT_CONTROLLERS,
  CONTROLLERS,
  kubeletController,
  schedulerController,
  SERVER_CONTROLLERS,
} from './index.ts';

const text = formatControllers(
  [...CONTROLLERS, ...SERVER_CONTROLLERS, schedulerController, kubeletController],
  ABSENT_CONTROLLERS,
);
writeFileSync(join(import.meta.dirname, '..', 'docs', 'controllers.md'), text);
