// The same for ES modules.

export * from './spanstrap.cjs';
export { default } from './spanstrap.cjs';
