// Entry of the bundle `contexts`: trace contexts that most functions never meet.

export { createContextExtractor } from '../instrumentation/context-extractor.ts';
export { createForeignReader } from '../instrumentation/foreign-contexts.ts';
