/** How webhooks are called: by URL or through a service. Mirrors apiserver util/webhook/validation.go. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, checkPortNumber } from '../../machinery/names.ts';
import { invalid, required } from '../../machinery/field-errors.ts';
import { isAbsent } from './text.ts';

export interface ServiceReference {
  readonly namespace?: string;
  readonly name?: string;
  readonly path?: string;
  readonly port?: number;
}

export interface ClientConfig {
  readonly url?: string;
  readonly service?: ServiceReference;
}

const FORM = '; desired format: https://host[/path]';

export function validateClientConfig({ url, service }: ClientConfig, at: FieldPath): FieldError[] {
  if (isAbsent(url) === isAbsent(service)) return [required(at, 'exactly one of url or service is required')];
  if (!isAbsent(url)) return validateWebhookURL(url, at.child('url'));
  return validateWebhookService(service!, at.child('service'));
}

interface URLParts {
  readonly scheme: string;
  readonly host: string;
  readonly user: string | undefined;
  readonly fragment: string;
  readonly query: string;
}

/** The parts of a URL as Go splits them; a text when Go refuses it. */
function splitURL(url: string): URLParts | string {
  const refused = (why: string): string => `parse ${goQuote(url)}: ${why}`;
  // oxlint-disable-next-line no-control-regex -- Go refuses control characters in URLs
  if (/[\x00-\x1f\x7f]/.test(url)) return refused('net/url: invalid control character in URL');
  const [beforeFragment = '', ...fragments] = url.split('#');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(beforeFragment)?.[1] ?? '';
  if (scheme === '' && beforeFragment.startsWith(':')) return refused('missing protocol scheme');
  const rest = beforeFragment.slice(scheme === '' ? 0 : scheme.length + 1);
  const question = rest.indexOf('?');
  const path = question < 0 ? rest : rest.slice(0, question);
  if (scheme === '' && !path.startsWith('/') && path.split('/')[0]!.includes(':'))
    return refused('first path segment in URL cannot contain colon');
  const authority = path.startsWith('//') ? path.slice(2).split('/')[0]! : '';
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  if (/[ "<>]/.test(host))
    return refused(`invalid character ${goQuote(/[ "<>]/.exec(host)![0])} in host name`);
  return {
    scheme: scheme.toLowerCase(),
    host,
    user: at < 0 ? undefined : authority.slice(0, at),
    fragment: fragments.join('#'),
    query: question < 0 ? '' : rest.slice(question + 1),
  };
}

function validateWebhookURL(url: string, at: FieldPath): FieldError[] {
  const parts = splitURL(url);
  if (typeof parts === 'string') return [required(at, `url must be a valid URL: ${parts}${FORM}`)];
  const errors: FieldError[] = [];
  if (parts.scheme !== 'https')
    errors.push(invalid(at, parts.scheme, `'https' is the only allowed URL scheme${FORM}`));
  if (parts.host === '') errors.push(invalid(at, '', `host must be specified${FORM}`));
  if (parts.user !== undefined)
    errors.push(invalid(at, parts.user, 'user information is not permitted in the URL'));
  if (parts.fragment !== '')
    errors.push(invalid(at, parts.fragment, 'fragments are not permitted in the URL'));
  if (parts.query !== '')
    errors.push(invalid(at, parts.query, 'query parameters are not permitted in the URL'));
  return errors;
}

function validateWebhookService(service: ServiceReference, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream hands name and namespace over in the wrong order.
  if ((service.namespace ?? '') === '') errors.push(required(at.child('name')));
  if ((service.name ?? '') === '') errors.push(required(at.child('namespace')));
  const port = service.port ?? 0;
  const texts = checkPortNumber(port);
  if (texts.length > 0)
    errors.push(invalid(at.child('port'), port, `port is not valid: ${texts.join(', ')}`));
  const { path = '' } = service;
  return path === '' || path === '/' ? errors : [...errors, ...validatePath(path, at.child('path'))];
}

function validatePath(path: string, at: FieldPath): FieldError[] {
  if (path === '//') return [invalid(at, path, 'segment[0] may not be empty')];
  const errors = path.startsWith('/') ? [] : [invalid(at, path, "must start with a '/'")];
  const checked = path.slice(1).replace(/\/$/, '');
  for (const [index, step] of checked.split('/').entries()) {
    const texts = step === '' ? undefined : checkDNS1123Subdomain(step);
    if (texts === undefined) errors.push(invalid(at, path, `segment[${index}] may not be empty`));
    else for (const text of texts) errors.push(invalid(at, path, `segment[${index}]: ${text}`));
  }
  return errors;
}
