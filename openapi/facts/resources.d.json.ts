declare const facts: import('./schema.ts').ResourcesFile;
export = facts;
