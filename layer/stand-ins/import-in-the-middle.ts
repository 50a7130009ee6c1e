// Stands in for import-in-the-middle inside the bundles. Spanstrap patches modules itself; the real one starts a loader thread
// for a hook that is never used.

export class Hook {}
