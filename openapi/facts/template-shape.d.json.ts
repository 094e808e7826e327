declare const facts: import('./schema.ts').TemplateShapeFile;
export = facts;
