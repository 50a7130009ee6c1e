// Stands in for require-in-the-middle inside the bundles. Spanstrap patches modules itself; the real one loads node:module and
// node:path at start for a hook that is never made.

export class Hook {
  constructor() {
    throw new Error(
      'require-in-the-middle is not in the layer: instrumentations are enabled on module exports directly',
    );
  }
}
