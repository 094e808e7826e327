/** Name resolution of a pod. Mirrors validatePodDNSConfig. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkSubdomainWithUnderscore } from '../../machinery/names.ts';
import { invalid, required } from '../../machinery/field-errors.ts';
import type { PodDNSConfig } from '../../../openapi/generated/core-v1.ts';
import { addEach, type Findings } from '../common/findings.ts';
import { addIP } from '../common/ip.ts';

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARACTERS_MAX = 2048;

export function addDNSConfig(
  errors: Findings,
  at: FieldPath,
  config: PodDNSConfig | undefined,
  policy: string | undefined,
): void {
  const { nameservers = [], searches = [], options = [] } = config ?? {};
  if (policy === 'None') {
    if (config === undefined) {
      errors.push(required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'));
      return;
    }
    if (nameservers.length === 0) {
      const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      errors.push(required(at.child('nameservers'), text));
      return;
    }
  }
  if (nameservers.length > NAMESERVERS_MAX)
    errors.push(
      invalid(at.child('nameservers'), nameservers, `must not have more than ${NAMESERVERS_MAX} nameservers`),
    );
  nameservers.forEach((address, index) => addIP(errors, at.child('nameservers').index(index), address));
  if (searches.length > SEARCHES_MAX)
    errors.push(
      invalid(at.child('searches'), searches, `must not have more than ${SEARCHES_MAX} search paths`),
    );
  if (byteLength(searches.join(' ')) > SEARCH_CHARACTERS_MAX) {
    const text = `must not have more than ${SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list`;
    errors.push(invalid(at.child('searches'), searches, text));
  }
  searches.forEach((search, index) => {
    if (search === '.') return;
    const name = search.replace(/\.$/, '');
    addEach(errors, at.child('searches').index(index), name, checkSubdomainWithUnderscore(name));
  });
  options.forEach(({ name = '' }, index) => {
    if (name === '') errors.push(required(at.child('options').index(index), 'must not be empty'));
  });
}
