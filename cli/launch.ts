#!/usr/bin/env node
/** The file that is run as `kubemu`: nothing but what it takes to run the command from prepared code. */
import { join } from 'node:path';
import { compileScript } from './prepared-code.ts';

await compileScript(join(import.meta.dirname, 'command.cjs'))
  .run()
  .main();
