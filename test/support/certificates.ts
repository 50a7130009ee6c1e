// Certificates for one test run: a private CA, a server's and a client's. openssl makes them; nothing of it is kept.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from './tcp-server.ts';

export type KeyPair = {
  /** PEM, and the files it is in. */
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
};

export type Certificates = {
  readonly ca: Pick<KeyPair, 'cert' | 'certFile'>;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: KeyPair;
  readonly client: KeyPair;
};

const DAYS = '2';

/** undefined: there is no openssl on this machine. */
export function makeCertificates(scope: Scope): Certificates | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'spanstrap-certificates-'));
  scope.after(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl('version');
  } catch {
    return undefined;
  }
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test CA', '-days', DAYS);
  writeFileSync(join(folder, 'server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1\n');
  writeFileSync(join(folder, 'client.ext'), 'extendedKeyUsage=clientAuth\n');
  const pair = (name: string): KeyPair => {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=test ${name}`);
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', DAYS];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), certFile, keyFile };
  };
  const certFile = join(folder, 'ca.pem');
  return { ca: { cert: readFileSync(certFile, 'utf8'), certFile }, server: pair('server'), client: pair('client') };
}
