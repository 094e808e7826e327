/**
 * Cluster roles that every cluster starts with, but for those of controllers.
 * A rule reads "verbs: resources in groups", with "named ..." for single objects, or "verbs: URLs". The facts are those of
 * plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
 */

export const CLUSTER_ROLES: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['*: * in *', '*: *'],
  'system:discovery': [
    'get: /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/',
  ],
  'system:monitoring': [
    'get: /flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz',
    'get: nodes/metrics in core',
  ],
  'system:basic-user': [
    'create: selfsubjectaccessreviews selfsubjectrulesreviews in authorization.k8s.io',
    'create: selfsubjectreviews in authentication.k8s.io',
  ],
  'system:public-info-viewer': ['get: /healthz /livez /readyz /version /version/'],
  'system:heapster': [
    'get list watch: events namespaces nodes pods in core',
    'get list watch: deployments in extensions',
  ],
  'system:node': [
    'create: tokenreviews in authentication.k8s.io',
    'create: localsubjectaccessreviews subjectaccessreviews in authorization.k8s.io',
    'get list watch: services in core',
    'create get list watch: nodes in core',
    'patch update: nodes/status in core',
    'patch update: nodes in core',
    'create patch update: events in core events.k8s.io',
    'get list watch: pods in core',
    'create delete: pods in core',
    'patch update: pods/status in core',
    'create: pods/eviction in core',
    'get list watch: configmaps secrets in core',
    'get: persistentvolumeclaims persistentvolumes in core',
    'get: endpoints in core',
    'create get list watch: certificatesigningrequests in certificates.k8s.io',
    'create delete get patch update: leases in coordination.k8s.io',
    'get: volumeattachments in storage.k8s.io',
    'create: serviceaccounts/token in core',
    'get patch update: persistentvolumeclaims/status in core',
    'get list watch: csidrivers in storage.k8s.io',
    'create delete get patch update: csinodes in storage.k8s.io',
    'get list watch: runtimeclasses in node.k8s.io',
    'get: resourceclaims in resource.k8s.io',
    'deletecollection: resourceslices in resource.k8s.io',
    'get: serviceaccounts in core',
  ],
  'system:node-problem-detector': [
    'get: nodes in core',
    'patch: nodes/status in core',
    'create patch update: events in core events.k8s.io',
  ],
  'system:node-bootstrapper': ['create get list watch: certificatesigningrequests in certificates.k8s.io'],
  'system:auth-delegator': [
    'create: tokenreviews in authentication.k8s.io',
    'create: subjectaccessreviews in authorization.k8s.io',
  ],
  'system:kube-aggregator': ['get list watch: endpoints services in core'],
  'system:kube-controller-manager': [
    'create patch update: events in core events.k8s.io',
    'create: leases in coordination.k8s.io',
    'get update: leases in coordination.k8s.io named kube-controller-manager',
    'create: secrets serviceaccounts in core',
    'delete: secrets in core',
    'get: configmaps namespaces secrets serviceaccounts in core',
    'update: secrets serviceaccounts in core',
    'create: tokenreviews in authentication.k8s.io',
    'create: subjectaccessreviews in authorization.k8s.io',
    'list watch: * in *',
    'create: serviceaccounts/token in core',
  ],
  'system:kube-dns': ['list watch: endpoints services in core'],
  'system:persistent-volume-provisioner': [
    'create delete get list watch: persistentvolumes in core',
    'get list update watch: persistentvolumeclaims in core',
    'get list watch: storageclasses in storage.k8s.io',
    'watch: events in core',
    'create patch update: events in core events.k8s.io',
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [
    'create: certificatesigningrequests/nodeclient in certificates.k8s.io',
  ],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [
    'create: certificatesigningrequests/selfnodeclient in certificates.k8s.io',
  ],
  'system:volume-scheduler': [
    'get list patch update watch: persistentvolumes in core',
    'get list watch: storageclasses in storage.k8s.io',
    'get list patch update watch: persistentvolumeclaims in core',
  ],
  'system:certificates.k8s.io:legacy-unknown-approver': [
    'approve: signers in certificates.k8s.io named kubernetes.io/legacy-unknown',
  ],
  'system:certificates.k8s.io:kubelet-serving-approver': [
    'approve: signers in certificates.k8s.io named kubernetes.io/kubelet-serving',
  ],
  'system:certificates.k8s.io:kube-apiserver-client-approver': [
    'approve: signers in certificates.k8s.io named kubernetes.io/kube-apiserver-client',
  ],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': [
    'approve: signers in certificates.k8s.io named kubernetes.io/kube-apiserver-client-kubelet',
  ],
  'system:service-account-issuer-discovery': [
    'get: /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
  ],
  'system:kubelet-api-admin': [
    'get list watch: nodes in core',
    'proxy: nodes in core',
    '*: nodes/log nodes/metrics nodes/proxy nodes/stats in core',
    '*: nodes/configz nodes/healthz nodes/pods in core',
  ],
  'system:node-proxier': [
    'list watch: endpoints services in core',
    'get list watch: nodes in core',
    'create patch update: events in core events.k8s.io',
    'list watch: servicecidrs in networking.k8s.io',
    'list watch: endpointslices in discovery.k8s.io',
  ],
  'system:kube-scheduler': [
    'create patch update: events in core events.k8s.io',
    'create: leases in coordination.k8s.io',
    'get list update watch: leases in coordination.k8s.io named kube-scheduler',
    'create delete deletecollection get list patch update watch: leasecandidates in coordination.k8s.io',
    'get list watch: nodes in core',
    'delete get list watch: pods in core',
    'create: bindings pods/binding in core',
    'patch update: pods/status in core',
    'get list watch: replicationcontrollers services in core',
    'get list watch: replicasets in apps extensions',
    'get list watch: statefulsets in apps',
    'get list watch: poddisruptionbudgets in policy',
    'get list watch: persistentvolumeclaims persistentvolumes in core',
    'create: tokenreviews in authentication.k8s.io',
    'create: subjectaccessreviews in authorization.k8s.io',
    'get list watch: csinodes in storage.k8s.io',
    'get list watch: volumeattachments in storage.k8s.io',
    'get list watch: namespaces in core',
    'get list watch: csidrivers in storage.k8s.io',
    'get list watch: csistoragecapacities in storage.k8s.io',
    'get list watch: deviceclasses in resource.k8s.io',
    'get list patch update watch: resourceclaims in resource.k8s.io',
    'get list patch update watch: resourceclaims/status in resource.k8s.io',
    'update: pods/finalizers in core',
    'get list watch: resourceslices in resource.k8s.io',
    'create delete: resourceclaims in resource.k8s.io',
    'patch update: resourceclaims/binding in resource.k8s.io',
  ],
};

/** Cluster roles that add their rules to another one. */
export const AGGREGATED_ROLES: Readonly<
  Record<string, { readonly into: string; readonly rules: readonly string[] }>
> = {
  'system:aggregate-to-admin': {
    into: 'admin',
    rules: [
      'create: localsubjectaccessreviews in authorization.k8s.io',
      'create delete deletecollection get list patch update watch: rolebindings roles in rbac.authorization.k8s.io',
    ],
  },
  'system:aggregate-to-edit': {
    into: 'edit',
    rules: [
      'get list watch: pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy in core',
      'impersonate: serviceaccounts in core',
      'create delete deletecollection patch update: pods pods/attach pods/exec pods/portforward pods/proxy in core',
      'create: pods/eviction in core',
      'create delete deletecollection patch update: configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy in core',
      'create: serviceaccounts/token in core',
      'create delete deletecollection patch update: events in core events.k8s.io',
      'create delete deletecollection patch update: daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale in apps',
      'create delete deletecollection patch update: horizontalpodautoscalers in autoscaling',
      'create delete deletecollection patch update: cronjobs jobs in batch',
      'create delete deletecollection patch update: daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale in extensions',
      'create delete deletecollection patch update: poddisruptionbudgets in policy',
      'create delete deletecollection patch update: ingresses networkpolicies in networking.k8s.io',
      'create delete deletecollection get list patch update watch: leases in coordination.k8s.io',
      'create delete deletecollection patch update: resourceclaims resourceclaimtemplates in resource.k8s.io',
    ],
  },
  'system:aggregate-to-view': {
    into: 'view',
    rules: [
      'get list watch: configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status in core',
      'get list watch: bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status in core',
      'get list watch: namespaces in core',
      'get list watch: events in core events.k8s.io',
      'get list watch: endpointslices in discovery.k8s.io',
      'get list watch: controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status in apps',
      'get list watch: horizontalpodautoscalers horizontalpodautoscalers/status in autoscaling',
      'get list watch: cronjobs cronjobs/status jobs jobs/status in batch',
      'get list watch: daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale in extensions',
      'get list watch: poddisruptionbudgets poddisruptionbudgets/status in policy',
      'get list watch: ingresses ingresses/status networkpolicies in networking.k8s.io',
      'get list watch: resourceclaims resourceclaims/status resourceclaimtemplates in resource.k8s.io',
    ],
  },
};
