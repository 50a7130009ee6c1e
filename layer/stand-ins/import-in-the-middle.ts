// Stands in for import-in-the-middle inside the bundles. Spanstrap patches modules itself; the real one starts a loader thread
// for a hook that is never made.

export class Hook {
  constructor() {
    throw new Error(
      'import-in-the-middle is not in the layer: instrumentations are enabled on module exports directly',
    );
  }
}
