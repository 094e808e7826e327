import { describe, expect, it } from 'vitest';
import { parseRequestInfo } from '../../../server/filters/request-info.ts';

const info = (method: string, url: string) => {
  const [path = '', query = ''] = url.split('?');
  const {
    isResourceRequest,
    verb,
    apiGroup,
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    isItem,
    rest,
    isWatchPath,
  } = parseRequestInfo(method, path, new URLSearchParams(query));
  if (!isResourceRequest) return `${verb} other`;
  const what = [apiGroup, apiVersion, namespace, resource, subresource, name]
    .map((part) => part || '-')
    .join(' ');
  const flags = [isItem ? 'item' : '', isWatchPath ? 'watchpath' : '', ...rest].filter((flag) => flag !== '');
  return [`${verb}: ${what}`, ...flags].join(' ');
};

describe('parseRequestInfo', () => {
  it.each([
    ['GET', '/api/v1/pods', 'list: - v1 - pods - -'],
    ['GET', '/api/v1/pods/', 'list: - v1 - pods - -'],
    ['GET', '/api/v1/namespaces/ns/pods', 'list: - v1 ns pods - -'],
    ['GET', '/api/v1/namespaces/ns/pods/p', 'get: - v1 ns pods - p item'],
    ['HEAD', '/api/v1/namespaces/ns/pods/p', 'get: - v1 ns pods - p item'],
    ['GET', '/api/v1/namespaces/ns/pods/p/log', 'get: - v1 ns pods log p item'],
    ['GET', '/api/v1/namespaces/ns/pods/p/proxy/a/b', 'get: - v1 ns pods proxy p item a b'],
    ['GET', '/api/v1/namespaces/ns', 'get: - v1 ns namespaces - ns item'],
    ['PUT', '/api/v1/namespaces/ns/finalize', 'update: - v1 ns namespaces finalize ns item'],
    ['PATCH', '/api/v1/namespaces/ns/status', 'patch: - v1 ns namespaces status ns item'],
    ['GET', '/api/v1/namespaces/status', 'get: - v1 status namespaces - status item'],
    ['POST', '/apis/apps/v1/namespaces/ns/deployments', 'create: apps v1 ns deployments - -'],
    ['PUT', '/apis/apps/v1/namespaces/ns/deployments/d/scale', 'update: apps v1 ns deployments scale d item'],
    ['DELETE', '/apis/apps/v1/namespaces/ns/deployments', 'deletecollection: apps v1 ns deployments - -'],
    ['DELETE', '/apis/apps/v1/namespaces/ns/deployments/d', 'delete: apps v1 ns deployments - d item'],
    ['OPTIONS', '/api/v1/pods', ': - v1 - pods - -'],
    ['GET', '/api/v1/pods?watch', 'watch: - v1 - pods - -'],
    ['GET', '/api/v1/pods?watch=true', 'watch: - v1 - pods - -'],
    ['GET', '/api/v1/pods?watch=1', 'watch: - v1 - pods - -'],
    ['GET', '/api/v1/pods?watch=0', 'list: - v1 - pods - -'],
    ['GET', '/api/v1/pods?watch=False', 'list: - v1 - pods - -'],
    ['GET', '/api/v1/namespaces/ns/pods/p?watch=1', 'get: - v1 ns pods - p item'],
    ['GET', '/api/v1/watch/pods', 'watch: - v1 - pods - - watchpath'],
    ['GET', '/api/v1/watch/namespaces/ns/pods', 'watch: - v1 ns pods - - watchpath'],
    [
      'GET',
      '/apis/apps/v1/watch/namespaces/ns/deployments/d',
      'watch: apps v1 ns deployments - d item watchpath',
    ],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dx', 'list: - v1 - pods - x'],
    ['GET', '/api/v1/pods?watch=1&fieldSelector=spec.nodeName=n,metadata.name==x', 'watch: - v1 - pods - x'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name!=x', 'list: - v1 - pods - -'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Da/b', 'list: - v1 - pods - -'],
    ['GET', '/api/v1/pods?fieldSelector=%21%21metadata.name', 'list: - v1 - pods - -'],
    [
      'DELETE',
      '/api/v1/namespaces/ns/pods?fieldSelector=metadata.name%3Dx',
      'deletecollection: - v1 ns pods - -',
    ],
    ['GET', '/api', 'get other'],
    ['GET', '/api/v1', 'get other'],
    ['GET', '/apis/apps', 'get other'],
    ['GET', '/apis/apps/v1', 'get other'],
    ['GET', '/', 'get other'],
    ['POST', '/version', 'post other'],
    ['GET', '/apiss/apps/v1/deployments', 'get other'],
  ])('%s %s', (method, url, expected) => {
    expect(info(method, url)).toBe(expected);
  });
});
