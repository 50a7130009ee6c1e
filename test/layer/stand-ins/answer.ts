// A further bundle for the tests of start.cjs. The text is not ASCII in the source and must be in the bundle.

export const text = 'grün ☂';
export const answer = [...text].length;
