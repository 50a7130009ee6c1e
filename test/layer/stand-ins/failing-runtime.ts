// A runtime bundle for the tests of the warm-up: it does not get as far as polling.

export const main = (): never => {
  throw new Error('the stand-in fails on purpose: \u00e9');
};
