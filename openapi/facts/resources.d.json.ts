import type { ResourcesFile } from './schema.ts';
declare const resources: ResourcesFile;
export default resources;
