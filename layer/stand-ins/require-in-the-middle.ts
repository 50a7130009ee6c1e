// Stands in for require-in-the-middle inside the bundles. Spanstrap patches modules itself; the real one loads node:module and
// node:path at start for a hook that is never used. Instrumentations construct it whether they are enabled or not.

export class Hook {}
