import { stringify } from 'yaml';

export interface KubeconfigOptions {
  /** For example `https://127.0.0.1:6443`. */
  readonly url: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly authorityCertificate: string;
  /** PEM of the user's certificate and key. */
  readonly clientCertificate: string;
  readonly clientKey: string;
}

/** A kubeconfig with one context, `kubemu`, as YAML. Credentials are embedded: keep the file private. */
export function formatKubeconfig(options: KubeconfigOptions): string {
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'kubemu',
          cluster: {
            server: options.url,
            'certificate-authority-data': base64(options.authorityCertificate),
          },
        },
      ],
      users: [
        {
          name: 'kubemu-admin',
          user: {
            'client-certificate-data': base64(options.clientCertificate),
            'client-key-data': base64(options.clientKey),
          },
        },
      ],
      contexts: [{ name: 'kubemu', context: { cluster: 'kubemu', user: 'kubemu-admin' } }],
      'current-context': 'kubemu',
    },
    { lineWidth: 0 },
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
