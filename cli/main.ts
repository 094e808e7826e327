#!/usr/bin/env node
import { Command } from 'commander';
import { startCommand } from './start.ts';
import { KUBEMU_VERSION } from '../server/version.ts';

const program = new Command('kubemu')
  .description(
    'Kubernetes in one Node.js process: API server, store, controllers, scheduler and simulated nodes.',
  )
  .version(KUBEMU_VERSION)
  .addCommand(startCommand());

await program.parseAsync();
