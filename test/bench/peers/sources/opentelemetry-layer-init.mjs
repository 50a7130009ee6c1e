// The layer's --import file: for a CommonJS handler it loads the bundle and registers no module hooks.
await import('./opentelemetry-layer.js');
