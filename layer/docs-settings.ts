// Writes docs/settings.md from the tables of settings and what is said of them: `node layer/docs-settings.ts > docs/settings.md`.

import { allSettings, otherVariables, type SettingName } from '../bootstrap/settings/all-settings.ts';
import type { Setting } from '../bootstrap/settings/setting-kinds.ts';
import { type SettingGroup, settingDocs, settingGroups } from '../bootstrap/settings/settings-docs.ts';

const INTRODUCTION = `# Settings

<!-- Written by layer/docs-settings.ts from bootstrap/settings/settings-docs.ts and the tables it documents: change those, not this file. -->

Nothing has to be set. Everything is an environment variable of the function; where OpenTelemetry, X-Ray or another tracer for Lambda
has a name for a setting, that name works. Of several names for one setting the first that is set counts, in the order given here.

* A value that cannot be used costs one line in the log, which says what was seen and what is used instead. No setting can make init fail,
  but for \`SPANSTRAP_NODE\` with a path that is no Node.
* An empty variable counts as unset. Booleans are \`true\`, \`1\`, \`yes\`, \`on\` and \`false\`, \`0\`, \`no\`, \`off\`. Times are milliseconds, or have a
  unit: \`500\`, \`500ms\`, \`2s\`.
* A variable that begins with \`SPANSTRAP_\` and is no setting is told of, with the name that may have been meant.
* Values marked secret appear in no log line, no error and no span.
`;

const FILE = `## The settings file

\`otel-extension.toml\` or \`otel-config.toml\` in the function's folder, or the file that \`SPANSTRAP_SETTINGS_FILE\` names, is the file of the
OpenTelemetry Lambda extension in Rust. \`timeout\` in \`[exporter]\` is \`LAMBDA_OTEL_EXPORTER_TIMEOUT\`, and so on. It has the lowest precedence:
defaults, then the file, then environment variables. A field that \`[exporter]\` or \`[flush]\` does not have is told of.

\`\`\`toml
[exporter]
endpoint = "https://collector.example.com"
protocol = "http"
compression = "gzip"
timeout = 500

[exporter.headers]
authorization = "Bearer token"
\`\`\`

Its sections \`[receiver]\`, \`[correlation]\` and \`[telemetry_api]\`, and the variables of the same names, have no meaning here: there is no receiver,
because spans are made in the process that sends them.

## Read elsewhere

| variable | what it does |
|---|---|
| \`SPANSTRAP_SETTINGS_FILE\` | The settings file. |
| \`SPANSTRAP_NODE\` | Another Node binary to start, read by the bootstrap script. |
| \`HTTP_PROXY\`, \`HTTPS_PROXY\`, \`NO_PROXY\` (lower case too) | The proxy that exports and requests for secrets go through, by the rules of Node's own \`proxyEnv\`. May hold a password, and is treated as secret. |
| \`AWS_ACCESS_KEY_ID\`, \`AWS_SECRET_ACCESS_KEY\`, \`AWS_SESSION_TOKEN\`, \`AWS_CONTAINER_CREDENTIALS_FULL_URI\`, \`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI\`, \`AWS_CONTAINER_AUTHORIZATION_TOKEN\`, \`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE\` | The credentials that exports to AWS and requests for secrets are signed with; Lambda sets them. |
| \`AWS_ENDPOINT_URL_SECRETS_MANAGER\`, \`AWS_ENDPOINT_URL_SSM\`, \`AWS_ENDPOINT_URL_KMS\`, \`AWS_ENDPOINT_URL\` | Where the secret is asked for, when not at AWS's public endpoints. |
`;

/** The whole page as Markdown. */
export function settingsPage(): string {
  const names = Object.keys(settingDocs) as SettingName[];
  const chapters = (Object.keys(settingGroups) as SettingGroup[]).map((group) => {
    const rows = names.filter((name) => settingDocs[name].group === group).map(settingRow);
    return `## ${settingGroups[group]}\n\n| variable | values | default | what it does |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return [INTRODUCTION, ...chapters, FILE].join('\n');
}

function settingRow(name: SettingName): string {
  const setting: Setting<unknown> = allSettings[name];
  const variables = setting.env.map((variable) => `\`${variable}\``).join('<br>');
  const values = setting.isSecret ? `${setting.expected} (secret)` : setting.expected;
  return `| ${variables} | ${values} | ${showDefault(setting.default)} | ${settingDocs[name].text} |`;
}

function showDefault(value: unknown): string {
  if (value === undefined) return 'unset';
  const isObject = typeof value === 'object' && value !== null;
  if (isObject && Object.keys(value).length === 0) return 'none';
  // Of a value with parts the page shows the name.
  return `\`${isObject && 'name' in value ? value.name : value}\``;
}

/** Variables that stand in the page without being in a table. */
export const documentedElsewhere: readonly string[] = otherVariables;

if (import.meta.main) process.stdout.write(settingsPage());
