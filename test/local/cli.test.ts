// The command line in this process, on a layer of the tests' own: mistakes, exit codes, what is printed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { runCli } from '../../local/cli.ts';
import type { Io } from '../../local/command.ts';

const layer = path.join(import.meta.dirname, '../fixtures/emulator/layer');
const dir = mkdtempSync(path.join(tmpdir(), 'cli-'));
after(() => rmSync(dir, { recursive: true }));

type Run = { readonly code: number; readonly out: string; readonly error: string };

async function cli(argv: readonly string[], input = ''): Promise<Run> {
  let out = '';
  let error = '';
  const io: Io = {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    readInput: () => Promise.resolve(input),
    columns: 80,
    isColored: false,
  };
  return { code: await runCli(argv, io), out, error };
}

const invoke = (...argv: string[]): Promise<Run> => cli(['invoke', '--dir', dir, '--layer', layer, ...argv]);

test('help', async () => {
  const general = await cli(['--help']);
  assert.equal(general.code, 0);
  assert.match(general.out, /Usage: spanstrap COMMAND[\s\S]*invoke +run a function/);
  const command = await cli(['invoke', '--help']);
  assert.equal(command.code, 0);
  for (const option of ['--dir', '--handler', '--event', '--json', '--repeat', '--freeze', '--env', '--layer']) {
    assert.ok(command.out.includes(option), option);
  }
  assert.match(command.out, /Exit codes: 0 .* 1 .* 2 /);
  assert.equal((await cli([])).code, 2);
});

const mistakes: readonly (readonly [argv: readonly string[], expected: RegExp])[] = [
  [['frob'], /there is no command "frob"/],
  [['toString'], /there is no command "toString"/],
  [['invoke', '--bogus'], /Unknown option '--bogus'/],
  [['invoke', 'extra'], /Unexpected argument 'extra'/],
  [['invoke', '--dir', '/nowhere'], /--dir \/nowhere is not a folder/],
  [['invoke', '--dir', dir, '--layer', dir], /there is no layer at .*bootstrap is missing/],
  // As in the repository of the layer, where `bootstrap` is a folder.
  [
    ['invoke', '--dir', dir, '--layer', path.join(import.meta.dirname, '../..')],
    /there is no layer at .*bootstrap is /,
  ],
  [['invoke', '--dir', dir, '--layer', layer, '--event', '/nowhere.json'], /cannot read the event: ENOENT/],
  [['invoke', '--dir', dir, '--layer', layer, '--event', '{"a":'], /--event is not JSON/],
  [['invoke', '--dir', dir, '--layer', layer, '--event', '-'], /standard input is not JSON/],
  [['invoke', '--dir', dir, '--layer', layer, '--repeat', '0'], /--repeat 0 is not a number above 0/],
  [['invoke', '--dir', dir, '--layer', layer, '--repeat', '1.5'], /--repeat 1\.5 is not a whole number/],
  [['invoke', '--dir', dir, '--layer', layer, '--timeout', 'soon'], /--timeout soon is not a number/],
  [
    ['invoke', '--dir', dir, '--layer', layer, '--timeout', '3000000'],
    /--timeout 3000000 is more than 2147483 seconds/,
  ],
  [['doctor', '--dir', dir, '--layer', layer, '--timeout', '1e9'], /--timeout 1e9 is more than 2147483 seconds/],
  [['invoke', '--dir', dir, '--layer', layer, '--event', 'nul'], /cannot read the event: ENOENT/],
  [['invoke', '--dir', dir, '--layer', layer, '--env', 'STAGE'], /--env STAGE has no NAME=VALUE form/],
  [
    ['invoke', '--dir', dir, '--layer', layer, '--env', '_HANDLER=a.b'],
    /--env _HANDLER has no effect.*\ntry: --handler a\.b/,
  ],
  [
    ['compile', dir, '--layer', layer, '--env', 'LAMBDA_TASK_ROOT=/x'],
    /--env LAMBDA_TASK_ROOT has no effect.*\ntry: --dir/,
  ],
  [
    ['doctor', '--dir', dir, '--layer', layer, '--env', 'AWS_LAMBDA_RUNTIME_API=x'],
    /--env AWS_LAMBDA_RUNTIME_API has no effect/,
  ],
  [['invoke', '--dir', dir, '--layer', layer, '--traces', 'jaeger'], /"jaeger" is not a target/],
];

for (const [argv, expected] of mistakes) {
  test(`mistake: ${argv.slice(-2).join(' ').replace(layer, 'LAYER')}`, async () => {
    const { code, out, error } = await cli(argv, 'not\njson');
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(error, expected);
    assert.match(error, /\ntry: \S.*\n$/);
    assert.equal(error.trimEnd().split('\n').length, 2);
  });
}

test('an event file that is not JSON is named', async () => {
  const file = path.join(dir, 'broken.json');
  writeFileSync(file, '{"a": 1,}');
  const { code, error } = await invoke('--event', file);
  assert.equal(code, 2);
  assert.ok(error.includes(`${file} is not JSON`), error);
});

test('an event that Lambda would not take is a mistake of the caller', async () => {
  const file = path.join(dir, 'large.json');
  writeFileSync(file, JSON.stringify('x'.repeat(7_000_000)));
  for (const command of [
    ['invoke', '--dir', dir],
    ['doctor', '--dir', dir],
    ['compile', dir],
  ]) {
    const { code, out, error } = await cli([...command, '--layer', layer, '--event', file]);
    assert.deepEqual([code, out], [2, '']);
    assert.match(error, /large\.json has 7000002 bytes, Lambda takes 6291556\ntry: /);
  }
});

test('a file that begins with a byte order mark is JSON all the same', async () => {
  const file = path.join(dir, 'marked.json');
  writeFileSync(file, '\ufeff{"a":1}');
  const { code, out } = await invoke('--json', '--event', file);
  assert.equal(code, 0);
  const { invocations } = JSON.parse(out) as { invocations: { response: { event: unknown } }[] };
  assert.deepEqual(invocations[0]?.response.event, { a: 1 });
});

test('any JSON is an event, not only objects', async () => {
  for (const event of ['7', '-1.5e3', 'null', 'true', ' false ', '"text"', '[1]']) {
    const { code, out } = await invoke('--json', `--event=${event}`);
    assert.equal(code, 0, event);
    const { invocations } = JSON.parse(out) as { invocations: { response: { event: unknown } }[] };
    assert.deepEqual(invocations[0]?.response.event, JSON.parse(event));
  }
});

test('one invocation: status line, response, log, waterfall', async () => {
  const { code, out } = await invoke('--event', '{"a":1}', '--env', 'STAGE=dev=1');
  assert.equal(code, 0);
  assert.match(out, /^200 {2}Invocation [\d.]+ ms {2}Overhead [\d.]+ ms {2}init [\d.]+ ms\n/);
  assert.match(out, /^ {5}1 span -> xray \d+ B {2}1 span -> otlp \d+ B$/m);
  assert.ok(out.includes('    "statusCode": 200,'), out);
  assert.match(out, /\nlog\n {2}pid=\d+ STAGE=dev=1 event \{"a":1\}\n/);
  assert.match(out, /\nX-Ray {2}1-[0-9a-f]{8}-[0-9a-f]{24}\n.*\nInvocation +4 ms ━+\n/);
  assert.ok(
    out.split('\n').every((line) => line.length <= 80),
    out,
  );
});

test('a failing function: exit code 1, everything still printed', async () => {
  const { code, out } = await invoke('--event', '{"fail":true}', '--traces', 'otlp', '--ascii');
  assert.equal(code, 1);
  assert.match(out, /^error \(Oops\) {2}Invocation/);
  assert.match(out, /"errorMessage": "no"/);
  assert.match(out, /\nOTLP\n.*\nhandler span +4 ms =+\n/);
  assert.ok(!out.includes('X-Ray'));
});

test('a document that X-Ray would refuse is said so', async () => {
  const { code, out } = await invoke('--event', '{"badDocument":true}');
  assert.equal(code, 0);
  assert.match(out, /X-Ray would refuse or misread\n {2}Invocation\?: document\.name/);
});

test('--json prints one object and nothing else', async () => {
  const { code, out, error } = await cli(
    ['invoke', '--dir', dir, '--layer', layer, '--json', '--repeat', '2', '--freeze', '--event', '-'],
    '{"n":7}',
  );
  assert.deepEqual([code, error], [0, '']);
  const report = JSON.parse(out) as Record<string, unknown[]> & {
    invocations: Record<string, unknown>[];
    xray: { name: string }[];
    otlp: { scopeSpans: { spans: { name: string }[] }[] }[];
  };
  assert.deepEqual(Object.keys(report), ['invocations', 'xray', 'otlp', 'logs']);
  assert.deepEqual(
    report.invocations.map((invocation) => Object.keys(invocation)),
    [
      ['requestId', 'status', 'response', 'durationMs', 'initMs'],
      ['requestId', 'status', 'response', 'durationMs'],
    ],
  );
  assert.deepEqual(report.invocations[0]?.response, { statusCode: 200, event: { n: 7 } });
  assert.deepEqual(
    report.xray.map(({ name }) => name),
    ['Invocation', 'Invocation'],
  );
  assert.equal(report.otlp[0]?.scopeSpans[0]?.spans[0]?.name, 'handler span');
  assert.equal(report.logs?.length, 2);
});

test('--json with an error carries it, and the exit code says so', async () => {
  const { code, out } = await invoke('--json', '--event', '{"fail":true}');
  assert.equal(code, 1);
  const { invocations } = JSON.parse(out) as { invocations: Record<string, unknown>[] };
  assert.deepEqual(
    [invocations[0]?.status, invocations[0]?.error],
    ['error', { errorType: 'Oops', errorMessage: 'no', trace: [] }],
  );
});

test('long responses are cut, in length and in width', async () => {
  const event = { text: 'x'.repeat(3000), list: Array.from({ length: 50 }, (_, index) => index) };
  const { out } = await invoke('--event', JSON.stringify(event), '--traces', 'none');
  const response = out.slice(out.indexOf('{'), out.indexOf('\nlog\n'));
  assert.match(response, /\n {2}… 3\d more lines, 3\.\d KB in all\n/);
  assert.ok(
    response.split('\n').every((line) => line.length <= 403),
    response,
  );
});

test('--env wins over what Lambda sets: region and credentials on a desk are the user’s own', async () => {
  const variables = ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SESSION_TOKEN', 'AWS_LAMBDA_LOG_FORMAT', 'STAGE'];
  const given = async (...env: string[]): Promise<unknown> => {
    const argv = ['--json', '--event', JSON.stringify({ variables }), ...env.flatMap((item) => ['--env', item])];
    const { out } = await invoke(...argv);
    const { invocations } = JSON.parse(out) as { invocations: { response: { variables: unknown } }[] };
    return invocations[0]?.response.variables;
  };
  assert.deepEqual(await given('STAGE=dev'), ['eu-west-1', 'LOCALEMULATORKEY', 'local-emulator-token', null, 'dev']);
  assert.deepEqual(await given('AWS_REGION=us-east-1', 'AWS_LAMBDA_LOG_FORMAT=JSON', 'AWS_ACCESS_KEY_ID=mine'), [
    'us-east-1',
    'mine',
    null, // The emulator's token does not go with a key of one's own.
    'JSON',
    null,
  ]);
  assert.deepEqual(await given('AWS_ACCESS_KEY_ID=mine', 'AWS_SESSION_TOKEN=token', 'STAGE='), [
    'eu-west-1',
    'mine',
    'token',
    null,
    '',
  ]);
});

test('--traces none leaves both variables unset', async () => {
  const { code, out } = await invoke('--traces', 'none');
  assert.equal(code, 0);
  assert.match(out, /^200 .* {2}no spans\n/);
});
