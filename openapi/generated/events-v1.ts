/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type Event = Schemas['io.k8s.api.events.v1.Event'];
export type EventList = Schemas['io.k8s.api.events.v1.EventList'];
export type EventSeries = Schemas['io.k8s.api.events.v1.EventSeries'];

export const events: ResourceType<Event> = { group: 'events.k8s.io', version: 'v1', resource: 'events', kind: 'Event', namespaced: true };
