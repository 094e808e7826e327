declare const prepared: Readonly<Record<string, readonly unknown[]>>;
export = prepared;
