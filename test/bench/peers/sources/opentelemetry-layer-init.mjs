// The layer's --import file: the bundle, then the module hooks. The layer registers those for ES modules only; AWS's client for
// Node 24 imports CommonJS handlers too, and without the hooks nothing would be traced.
import { register } from 'node:module';

await import('./opentelemetry-layer.js');
register('import-in-the-middle/hook.mjs', import.meta.url);
