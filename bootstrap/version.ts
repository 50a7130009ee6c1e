// The version of this layer, put in by the build. From source, unbundled, it says so.

declare const __SPANSTRAP_VERSION__: string;
declare const __SPANSTRAP_NODE_VERSION__: string;

/** Semantic version of the layer, `0.0.0-source` when run unbundled. */
export const SPANSTRAP_VERSION = typeof __SPANSTRAP_VERSION__ === 'string' ? __SPANSTRAP_VERSION__ : '0.0.0-source';

/** Version of the Node binary that the layer was built with, without the `v`; the running one when unbundled. */
export const LAYER_NODE_VERSION =
  typeof __SPANSTRAP_NODE_VERSION__ === 'string' ? __SPANSTRAP_NODE_VERSION__ : process.versions.node;
