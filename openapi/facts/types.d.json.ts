declare const facts: import('./schema.ts').TypesFile;
export = facts;
