import type { TypesFile } from './schema.ts';
declare const types: TypesFile;
export default types;
