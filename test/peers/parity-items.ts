// The behaviours of the managed Node.js runtimes that this one is held to, by number. What cannot be seen from inside a
// function, or is not known for certain, says why; everything else must be named by a case of test/peers or by another test.

export type ParityItem = { readonly title: string; readonly unseen?: string };

const items = `
P1 Node flags; gc is a function
P2 memory flags by the size of the function
P3 ES modules in .js without a type
P4 NODE_PATH and AWS_EXECUTION_ENV
P5 NODE_EXTRA_CA_CERTS is left alone
P6 AWS_LAMBDA_EXEC_WRAPPER and NODE_OPTIONS
P7 working directory, argv
P8 require.main is not the user's module
P9 variables that the runtime itself reads
P10 variables that switch features
P11 handler names with ..
P12 handler names taken apart
P13 handler names that end in a dot
P14 folders and absolute paths in handler names
P15 order of files, Node 22
P16 the nearest package.json
P17 order of files, Node 24
P18 folders as handlers
P19 packages as handlers
P20 .js before .mjs before .cjs
P21 top-level await
P22 module systems mixed up
P23 nested and default exports
P24 exports that are missing or no functions
P25 syntax errors
P26 missing modules
P27 anything thrown while loading
P28 streaming marks
P29 this of a handler
P30 init failure, Node 22
P31 init failure, Node 24
P32 body and headers of an init error
P33 request id of log lines during init
P34 callback handlers refused, Node 24
P35 the warning for callback handlers
P36 exceptions beside loading
P37 events that are not JSON
P38 arguments of a handler
P39 promises and thenables
P40 synchronous results
P41 synchronous throws
P42 what JSON makes of results
P43 results without JSON
P44 results that cannot be serialised
P45 content type and encoding
P46 results over 6 MB
P47 callback(error, result) and the event loop
P48 context.succeed, fail, done
P49 the first way to finish wins
P50 async handlers that also call back
P51 handlers that never finish
P52 work behind the response
P53 output of the same tick comes first
P54 request ids in paths
P55 keys of the context, Node 22
P56 keys of the context, Node 24
P57 the context is a plain object
P58 remaining time
P59 tenant id in the context
P60 the context follows the environment
P61 errors as JSON
P62 what counts as an error
P63 thrown strings, numbers, objects
P64 thrown null and undefined
P65 errors that cannot be read
P66 errors without a stack
P67 headers of an error
P68 X-Ray cause of an error
P69 log line of an error
P70 listeners on the process
P71 exceptions and rejections, Node 22
P72 exceptions and rejections, Node 24
P73 process.exit in a handler
P74 SIGTERM, timers and sockets
P75 --unhandled-rejections
P76 patched console methods
P77 text lines
P78 console.trace has no stack
P79 process.stdout is left alone
P80 JSON records
P81 log levels
P82 tenant id in records
P83 telemetry frames
P84 records of concurrent invocations
P85 whose request id a line has
P86 lines are out at exit
P87 globalThis.awslambda
P88 the invoke store
P89 _X_AMZN_TRACE_ID
P90 trace id while streaming
P91 streamifyResponse
P92 the response stream's methods
P93 high water mark
P94 write
P95 setContentType
P96 HttpResponseStream and its prelude
P97 the POST begins with the first write
P98 streaming handlers that are not async
P99 return values of streaming handlers
P100 when a stream is done
P101 errors in a stream
P102 next after the POST
P103 the event loop behind a stream
P104 connection of a stream
P105 exceptions while streaming
P106 proxies, mocked clocks, patched http
P107 the runtime's calls are not traced
P108 refused answers
P109 refused polls
P110 AWS SDK clients in the layer
P111 node for child processes
P112 version and name of Node
P113 HTTP results are ordinary JSON
P114 SnapStart
`;

/** Why some are not shown by any test. */
const unseen: Readonly<Record<string, string>> = {
  P114: 'SnapStart is not offered for provided.al2023, and what a runtime would have to do there cannot be tried',
};

export const parityItems: ReadonlyMap<string, ParityItem> = new Map(
  items
    .trim()
    .split('\n')
    .map((line) => {
      const [, id, title] = /^(P\d+) (.+)$/.exec(line)!;
      const reason = unseen[id!];
      return [id!, { title: title!, ...(reason === undefined ? {} : { unseen: reason }) }];
    }),
);

/** In the order of their numbers. */
export const itemOrder = (a: string, b: string): number => Number(a.slice(1)) - Number(b.slice(1));
