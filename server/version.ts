/** Version of this package; checked against package.json by test/tidy.test.ts. */
export const KUBEMU_VERSION = '0.1.0';

/** Version of Kubernetes that is emulated; checked against the facts by test/tidy.test.ts. */
export const KUBERNETES_VERSION = 'v1.36.2';
