// What only the X-Ray exporter needs. Read when it is opened.

import { flag, number, type Setting, withDefault } from './setting-kinds.ts';

/** A comma separated list of attributes, or all of them. */
const attributeNames: Setting<readonly string[] | 'all'> = {
  env: ['SPANSTRAP_XRAY_INDEXED_ATTRIBUTES'],
  default: [],
  expected: 'a comma separated list of attributes, or all',
  parse: (value) => {
    if (value.toLowerCase() === 'all') return 'all';
    return value
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
  },
};

export const xraySettings = {
  indexedAttributes: attributeNames,
  keepsAnnotationDots: withDefault(false, flag(['SPANSTRAP_XRAY_ANNOTATION_DOTS'])),
  metadataCapBytes: withDefault(4096, number(['SPANSTRAP_XRAY_METADATA_BYTES'], 0, 60_000)),
};
