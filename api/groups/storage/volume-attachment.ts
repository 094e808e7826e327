/** Volume attachments. Mirrors pkg/apis/storage/validation and registry/storage/volumeattachment strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, rangeText } from '../../machinery/names.ts';
import {
  forbidden,
  invalid,
  invalidEach,
  required,
  tooLong,
  validateImmutable,
} from '../../machinery/field-errors.ts';
import type {
  VolumeAttachment,
  VolumeAttachmentSource,
  VolumeAttachmentStatus,
  VolumeError,
} from '../../../openapi/generated/storage-v1.ts';
import { keepMetadata } from '../common/status.ts';
import { validateDriverName } from '../common/storage-names.ts';
import { isAbsent } from '../common/text.ts';

const METADATA_SIZE_BYTES_MAX = 256 * 1024;
const MESSAGE_SIZE_BYTES_MAX = 1024;
const SOURCE = path('spec', 'source');
const STATUS = path('status');
const EXACTLY_ONE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

export const volumeAttachment = defineBehaviour<VolumeAttachment>({
  prepareForStatusUpdate: keepMetadata,
  validate: validateAttachment,
  validateUpdate: (object, old) => [
    ...validateAttachment(object),
    ...validateImmutable('spec', object.spec, old.spec),
  ],
  validateStatusUpdate: (object, old) => [
    ...validateAttachment(object),
    ...validateImmutable('spec', object.spec, old.spec),
  ],
});

function validateAttachment({ spec, status }: VolumeAttachment): FieldError[] {
  const source = spec?.source ?? {};
  const errors = [
    ...validateDriverName('spec.attacher', spec?.attacher),
    ...validateSource(source),
    ...invalidEach('spec.nodeName', spec?.nodeName ?? '', checkDNS1123Subdomain(spec?.nodeName ?? '')),
    ...validateStatus(status),
  ];
  const name = source.persistentVolumeName;
  if (isAbsent(name)) return errors;
  return [...errors, ...invalidEach(SOURCE.child('persistentVolumeName'), name, checkDNS1123Subdomain(name))];
}

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource): FieldError[] {
  const isInline = !isAbsent(inlineVolumeSpec);
  const isNamed = !isAbsent(persistentVolumeName);
  if (!isInline && !isNamed) return [required(SOURCE, EXACTLY_ONE)];
  if (isInline && isNamed) return [forbidden(SOURCE, EXACTLY_ONE)];
  return persistentVolumeName === ''
    ? [required(SOURCE.child('persistentVolumeName'), 'must specify non empty persistentVolumeName')]
    : [];
}

function validateStatus(status: VolumeAttachmentStatus | undefined): FieldError[] {
  const size = Object.entries(status?.attachmentMetadata ?? {}).reduce(
    (sum, [key, value]) => sum + byteLength(key) + byteLength(value),
    0,
  );
  return [
    ...(size > METADATA_SIZE_BYTES_MAX
      ? [tooLong(STATUS.child('attachmentMetadata'), '', METADATA_SIZE_BYTES_MAX)]
      : []),
    ...validateError(status?.attachError, STATUS.child('attachError')),
    ...validateError(status?.detachError, STATUS.child('detachError')),
  ];
}

function validateError(error: VolumeError | undefined, at: FieldPath): FieldError[] {
  const { message = '', errorCode = 0 } = error ?? {};
  // Upstream names the larger limit of the metadata.
  const errors =
    byteLength(message) > MESSAGE_SIZE_BYTES_MAX
      ? [tooLong(at.child('message'), '', METADATA_SIZE_BYTES_MAX)]
      : [];
  if (errorCode < 0) errors.push(invalid(at.child('errorCode'), errorCode, rangeText(0, 2 ** 31 - 1)));
  return errors;
}
