/** What a key may be used for, as the API names it and as certificates do. Mirrors pkg/controller/certificates/authority/policies.go. */
import { bits, oid, sequence } from './der.ts';

/** Bits of the key usage, by their number. */
const KEY_USAGES: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
};

/** Extended key usages, in the order in which certificates list them. */
const EXTENDED_USAGES: readonly (readonly [names: readonly string[], id: Buffer])[] = [
  [['any'], oid('2.5.29.37.0')],
  [['server auth'], oid('1.3.6.1.5.5.7.3.1')],
  [['client auth'], oid('1.3.6.1.5.5.7.3.2')],
  [['code signing'], oid('1.3.6.1.5.5.7.3.3')],
  [['email protection', 's/mime'], oid('1.3.6.1.5.5.7.3.4')],
  [['ipsec end system'], oid('1.3.6.1.5.5.7.3.5')],
  [['ipsec tunnel'], oid('1.3.6.1.5.5.7.3.6')],
  [['ipsec user'], oid('1.3.6.1.5.5.7.3.7')],
  [['timestamping'], oid('1.3.6.1.5.5.7.3.8')],
  [['ocsp signing'], oid('1.3.6.1.5.5.7.3.9')],
  [['microsoft sgc'], oid('1.3.6.1.4.1.311.10.3.3')],
  [['netscape sgc'], oid('2.16.840.1.113730.4.1')],
];

/** The named bits of the key usage extension, or undefined when there are none. */
export function keyUsage(usages: readonly string[]): Buffer | undefined {
  const set = usages.flatMap((usage) => KEY_USAGES[usage] ?? []);
  if (set.length === 0) return undefined;
  const last = Math.max(...set);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of set) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return bits(bytes, 7 - (last & 7));
}

/** The list of the extended key usage extension, or undefined when it is empty. */
export function extendedKeyUsage(usages: readonly string[]): Buffer | undefined {
  const ids = EXTENDED_USAGES.flatMap(([names, id]) =>
    names.some((name) => usages.includes(name)) ? [id] : [],
  );
  return ids.length === 0 ? undefined : sequence(...ids);
}
