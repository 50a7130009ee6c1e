// The built layer, as the tests start it. They run on the layer's own Node: anything else would prove nothing.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';

export const LAYER_FOLDER = fileURLToPath(new URL(`../../dist/layer-${architecture}`, import.meta.url));
export const BOOTSTRAP = `${LAYER_FOLDER}/bootstrap`;

assert.ok(existsSync(BOOTSTRAP), `there is no built layer at ${LAYER_FOLDER}; try: ./build.sh --arch ${architecture}`);
