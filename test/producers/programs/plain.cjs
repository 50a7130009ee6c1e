// A producer that nobody traces.

require('./sends.cjs')()
  [process.argv[2]]()
  .then(() => console.log('[]'));
