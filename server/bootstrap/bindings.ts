/**
 * Bindings and namespaced roles that every cluster starts with. A subject reads "kind name", service accounts with their
 * namespace. The facts are those of plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
 */

/** Subjects of cluster roles; the binding has the name of the role unless it is told. */
export const CLUSTER_ROLE_BINDINGS: Readonly<
  Record<string, { readonly role?: string; readonly subjects: readonly string[] }>
> = {
  'cluster-admin': { subjects: ['Group system:masters'] },
  'system:monitoring': { subjects: ['Group system:monitoring'] },
  'system:discovery': { subjects: ['Group system:authenticated'] },
  'system:basic-user': { subjects: ['Group system:authenticated'] },
  'system:public-info-viewer': { subjects: ['Group system:authenticated', 'Group system:unauthenticated'] },
  'system:node-proxier': { subjects: ['User system:kube-proxy'] },
  'system:kube-controller-manager': { subjects: ['User system:kube-controller-manager'] },
  'system:kube-dns': { subjects: ['ServiceAccount kube-system/kube-dns'] },
  'system:kube-scheduler': { subjects: ['User system:kube-scheduler'] },
  'system:volume-scheduler': { subjects: ['User system:kube-scheduler'] },
  'system:node': { subjects: [] },
  'system:service-account-issuer-discovery': { subjects: ['Group system:serviceaccounts'] },
};

/** Rules of roles by namespace and name. */
export const ROLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'kube-public': {
    'system:controller:bootstrap-signer': [
      'get list watch: configmaps in core',
      'update: configmaps in core named cluster-info',
      'create patch update: events in core events.k8s.io',
    ],
  },
  'kube-system': {
    'extension-apiserver-authentication-reader': [
      'get list watch: configmaps in core named extension-apiserver-authentication',
    ],
    'system:controller:bootstrap-signer': ['get list watch: secrets in core'],
    'system:controller:cloud-provider': ['create get list watch: configmaps in core'],
    'system:controller:token-cleaner': [
      'delete get list watch: secrets in core',
      'create patch update: events in core events.k8s.io',
    ],
    'system::leader-locking-kube-controller-manager': [
      'create get list update watch: leases in coordination.k8s.io',
      'create get list update watch: leasecandidates in coordination.k8s.io',
    ],
    'system::leader-locking-kube-scheduler': [
      'create get list update watch: leases in coordination.k8s.io',
      'create get list update watch: leasecandidates in coordination.k8s.io',
    ],
  },
};

/** Role and subjects of role bindings by namespace and name. */
export const ROLE_BINDINGS: Readonly<
  Record<string, Readonly<Record<string, { readonly role?: string; readonly subjects: readonly string[] }>>>
> = {
  'kube-public': {
    'system:controller:bootstrap-signer': { subjects: ['ServiceAccount kube-system/bootstrap-signer'] },
  },
  'kube-system': {
    'system::extension-apiserver-authentication-reader': {
      role: 'extension-apiserver-authentication-reader',
      subjects: ['User system:kube-controller-manager', 'User system:kube-scheduler'],
    },
    'system::leader-locking-kube-controller-manager': {
      subjects: [
        'User system:kube-controller-manager',
        'ServiceAccount kube-system/kube-controller-manager',
        'ServiceAccount kube-system/leader-election-controller',
      ],
    },
    'system::leader-locking-kube-scheduler': {
      subjects: ['User system:kube-scheduler', 'ServiceAccount kube-system/kube-scheduler'],
    },
    'system:controller:bootstrap-signer': { subjects: ['ServiceAccount kube-system/bootstrap-signer'] },
    'system:controller:cloud-provider': { subjects: ['ServiceAccount kube-system/cloud-provider'] },
    'system:controller:token-cleaner': { subjects: ['ServiceAccount kube-system/token-cleaner'] },
  },
};
