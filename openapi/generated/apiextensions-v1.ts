/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ConversionRequest = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ConversionRequest'];
export type ConversionResponse = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ConversionResponse'];
export type ConversionReview = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ConversionReview'];
export type CustomResourceColumnDefinition = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition'];
export type CustomResourceConversion = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion'];
export type CustomResourceDefinition = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition'];
export type CustomResourceDefinitionCondition = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition'];
export type CustomResourceDefinitionList = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionList'];
export type CustomResourceDefinitionNames = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames'];
export type CustomResourceDefinitionSpec = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec'];
export type CustomResourceDefinitionStatus = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus'];
export type CustomResourceDefinitionVersion = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion'];
export type CustomResourceSubresourceScale = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale'];
export type CustomResourceSubresourceStatus = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus'];
export type CustomResourceSubresources = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources'];
export type CustomResourceValidation = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation'];
export type ExternalDocumentation = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation'];
export type JSON = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON'];
export type JSONSchemaProps = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'];
export type JSONSchemaPropsOrArray = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray'];
export type JSONSchemaPropsOrBool = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool'];
export type JSONSchemaPropsOrStringArray = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray'];
export type SelectableField = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField'];
export type ServiceReference = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference'];
export type ValidationRule = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule'];
export type WebhookClientConfig = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig'];
export type WebhookConversion = Schemas['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion'];

export const customResourceDefinitions: ResourceType<CustomResourceDefinition> = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false };
