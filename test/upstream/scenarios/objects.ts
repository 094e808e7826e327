/** Objects that scenarios make, with what matters to them given and the rest plain. */

type Fields = object;
type Named = { readonly kind: string; readonly metadata: { readonly name: string } };

/** A container that runs until it is stopped. */
export const SERVER = { name: 'app', image: 'nginx:1.25' };

/** A container that ends by itself, with an exit code. */
export function task(exitCode = 0): Fields {
  return { name: 'task', image: 'busybox', command: ['sh', '-c', `exit ${exitCode}`] };
}

/** A container that ends with 0 after a time. */
export function sleeper(seconds: number): Fields {
  return { name: 'task', image: 'busybox', command: ['sleep', String(seconds)] };
}

export function podTemplate(app: string, spec: Fields = {}, metadata: Fields = {}): Fields {
  return { metadata: { labels: { app }, ...metadata }, spec: { containers: [SERVER], ...spec } };
}

function workload(kind: string, name: string, spec: Fields, metadata: Fields): Named {
  const selector = { matchLabels: { app: name } };
  return {
    kind,
    metadata: { name, ...metadata },
    spec: { selector, template: podTemplate(name), ...spec },
  } as Named;
}

export function deployment(name: string, spec: Fields = {}, metadata: Fields = {}): Named {
  return workload('Deployment', name, spec, metadata);
}

export function replicaSet(name: string, spec: Fields = {}, metadata: Fields = {}): Named {
  return workload('ReplicaSet', name, spec, metadata);
}

export function statefulSet(name: string, spec: Fields = {}, metadata: Fields = {}): Named {
  return workload('StatefulSet', name, { serviceName: name, ...spec }, metadata);
}

export function daemonSet(name: string, spec: Fields = {}, metadata: Fields = {}): Named {
  return workload('DaemonSet', name, spec, metadata);
}

export function pod(name: string, spec: Fields = {}, metadata: Fields = {}): Named {
  return {
    kind: 'Pod',
    metadata: { name, labels: { app: name }, ...metadata },
    spec: { containers: [SERVER], ...spec },
  } as Named;
}

/** A job whose containers end with `exitCode`. */
export function job(name: string, spec: Fields = {}, exitCode = 0): Named {
  return {
    kind: 'Job',
    metadata: { name },
    spec: {
      template: { spec: { restartPolicy: 'Never', containers: [task(exitCode)] } },
      ...spec,
    },
  } as Named;
}

export function service(name: string, spec: Fields = {}): Named {
  return {
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  } as Named;
}

export function claim(name: string, spec: Fields = {}): Named {
  return {
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      ...spec,
    },
  } as Named;
}
